"""Runs each test in a process of its own: clients leave threads behind that go on logging."""

import faulthandler
import os
import sys
import tempfile
import time
import traceback

SECONDS_MAX = int(os.environ.get("TEST_SECONDS_MAX", "300"))


class Running:
    """A test in a process of its own."""

    def __init__(self, title, test):
        self.title = title
        self.start = time.monotonic()
        self.log = tempfile.TemporaryFile("w+", errors="replace")
        sys.stdout.flush()
        self.child = os.fork()
        if self.child == 0:
            self.perform(test)

    def perform(self, test):
        os.setpgid(0, 0)
        os.dup2(self.log.fileno(), 1)
        os.dup2(self.log.fileno(), 2)
        # A test that hangs shows where.
        faulthandler.dump_traceback_later(SECONDS_MAX - 5)
        code = 1
        try:
            reason = test()
            if reason:
                print(f"skipped: {reason}")
            code = 2 if reason else 0
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    @property
    def seconds(self):
        return time.monotonic() - self.start

    def result(self):
        """None while it runs; then "passed", "failed" or "skipped", and says so."""
        done, status = os.waitpid(self.child, os.WNOHANG)
        if not done:
            if self.seconds < SECONDS_MAX:
                return None
            os.killpg(self.child, 9)
            os.waitpid(self.child, 0)
        code = os.waitstatus_to_exitcode(status) if done else f"no end in {SECONDS_MAX} s"
        with self.log:
            self.log.seek(0)
            lines = self.log.read().splitlines()
        if code == 2:
            print(f"skipped: {self.title}: {lines[-1].removeprefix('skipped: ')}", flush=True)
            return "skipped"
        if code != 0:
            print(f"FAILED {self.title} ({code})", *lines[-60:], sep="\n    ", flush=True)
            return "failed"
        for line in lines:
            if line.startswith("figure: "):
                print("       " + line)
        print(f"ok     {self.title} ({self.seconds:.1f} s)", flush=True)
        return "passed"


def perform(files, lanes_max=1):
    """Runs lists of tests: those of one list after each other, of so many lists side by side.
    Says last which failed. Answers how often each result came."""
    failed = []
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    lanes = []
    while files or lanes:
        while files and len(lanes) < lanes_max:
            tests = files.pop(0)
            lanes.append((Running(*tests.pop(0)), tests))
        time.sleep(0.01)
        for lane in list(lanes):
            running, tests = lane
            result = running.result()
            if result:
                counts[result] += 1
                if result == "failed":
                    failed.append(running.title)
                lanes.remove(lane)
                if tests:
                    lanes.append((Running(*tests.pop(0)), tests))
    for title in failed:
        print(f"failed: {title}")
    return counts
