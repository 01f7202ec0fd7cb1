"""Runs the checks and closes with one line of counts (see Tests/check-protocol)."""

import pathlib
import random
import sys

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "Sources" / "KafkaProtocol"))

import generated  # noqa: E402
import records  # noqa: E402
import roundtrip  # noqa: E402
import schemas  # noqa: E402


def main():
    tool = sys.argv[1]
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(2**32)
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 12
    passed, failures = 0, []
    for check in (
        lambda: generated.check(ROOT),
        schemas.check_messages,
        schemas.check_errors,
        lambda: roundtrip.check(tool, seed, rounds),
        lambda: records.check(ROOT, tool, seed, rounds),
    ):
        good, bad = check()
        passed += good
        failures += bad
    for failure in failures[:40]:
        print(failure)
    if failures:
        print(f"again with: Tests/check-protocol {seed} {rounds}")
    print(f"{passed} passed, {len(failures)} failed")
    sys.exit(1 if failures else 0)


main()
