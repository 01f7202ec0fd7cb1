"""One run against the bridge: its options, its seed, its counts."""

import argparse
import random
import subprocess
import sys

parser = argparse.ArgumentParser()
parser.add_argument("generated")
parser.add_argument("bridge")
parser.add_argument("--cases", type=int, default=6000)
parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
options = parser.parse_args()
sys.path.insert(0, options.generated)

# protoc's output for proto/pubsub.proto
import pubsub_pb2 as pb  # noqa: E402, F401

rng = random.Random(options.seed)
passed = failed = 0


def check(ok, title, *details):
    global passed, failed
    if ok:
        passed += 1
        return
    failed += 1
    if failed <= 20:
        print(f"FAILED {title} (seed {options.seed})")
        for detail in details:
            print(f"    {detail!r}")


def ask(lines):
    """The bridge's answers, line by line."""
    done = subprocess.run(
        [options.bridge], input="\n".join(lines) + "\n", capture_output=True, text=True)
    answers = done.stdout.split("\n")[:-1]  # splitlines would split at U+2028, too
    if done.returncode != 0 or len(answers) != len(lines):
        print(done.stderr[-2000:])
        culprit = lines[len(answers)] if len(answers) < len(lines) else None
        sys.exit(f"the bridge died ({done.returncode}), seed {options.seed}, at or behind {culprit!r}")
    return answers


def end():
    print(f"seed {options.seed}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)
