"""Starts pubsubgw-devbroker and talks to its control port."""

import json
import os
import re
import subprocess
import time

PROFILES = ["2.1", "2.8", "3.9", "4.1"]
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]


class DevBroker:
    def __init__(self, *options, brokers=1):
        command = [os.environ["DEVBROKER"], "--brokers", str(brokers), "--control", "-"]
        self.process = subprocess.Popen(
            command + [str(option) for option in options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ports = []
        for _ in range(brokers):
            line = self.process.stdout.readline()
            self.ports.append(int(re.search(r":(\d+)$", line.strip())[1]))

    @property
    def bootstrap(self):
        return ",".join(f"127.0.0.1:{port}" for port in self.ports)

    def do(self, command, **arguments):
        """Runs a control command; its refusal is an AssertionError."""
        self.process.stdin.write(json.dumps({"do": command, **arguments}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert answer.pop("ok"), answer
        return answer

    def requests(self, key):
        return sum(b["requests"].get(str(key), 0) for b in self.do("stats")["brokers"])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            assert self.process.wait(timeout=60) == 0
        finally:
            self.process.kill()


def until(seconds, what, condition):
    """Waits for `condition` and answers what it answers. `seconds` are those of a quiet machine."""
    end = time.monotonic() + 4 * seconds
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.02)
    raise AssertionError(f"not within {4 * seconds} s: {what}")
