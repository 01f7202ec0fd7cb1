"""`Tests/Benchmarks/run calm`: how long a well-behaved session waits beside attackers.

The gateway, the attackers and the session that pings are a process each. What is measured is the
time that the loop's thread was on a processor between a ping and its pong, so that a busy machine
does not count, and the library's own gauges."""
import contextlib
import ctypes
import os
import pathlib
import re
import socket
import struct
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "Tests/Hosts"))

import attacks  # noqa: E402

GOALS = {100: 5, 1000: 25}       # milliseconds
GIVEN_BACK_SECONDS = 10


def thread(pid, name):
    # It gives itself its name.
    for _ in range(100):
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            if (task / "comm").read_text().strip() == name:
                return int(task.name)
        time.sleep(0.05)
    raise SystemExit(f"process {pid} has no thread {name}")


class TaskClock:
    """How long a thread was on a processor, by perf_event_open(2): /proc tells it in steps of the
    timer's tick, 4 ms."""
    SYSCALL, SOFTWARE, TASK_CLOCK = 298, 1, 1     # on x86-64

    def __init__(self, thread):
        attributes = struct.pack("=IIQQQQQ", self.SOFTWARE, 64, self.TASK_CLOCK, 0, 0, 0, 0)
        attributes = ctypes.create_string_buffer(attributes.ljust(64, b"\0"), 64)
        libc = ctypes.CDLL(None, use_errno=True)
        self.file = libc.syscall(self.SYSCALL, attributes, thread, -1, -1, 0)
        if self.file < 0:
            raise SystemExit(f"perf_event_open: {os.strerror(ctypes.get_errno())}: try it as root")

    def nanoseconds(self):
        return int.from_bytes(os.read(self.file, 8), sys.byteorder)


class Host:
    """The gateway; `server` is its process."""

    def __init__(self, server):
        self.server = server
        self.clock = TaskClock(thread(server.process.pid, "pubsubgw-0"))

    def metrics(self):
        self.server.process.stdin.write("metrics\n")
        self.server.process.stdin.flush()
        found = {}
        while (line := self.server.process.stdout.readline()) not in ("# end\n", ""):
            if match := re.match(r"pubsubgw_(\w+) (\d+)$", line):
                found[match[1]] = int(match[2])
        return found


class Probe:
    """A session that pings."""

    def __init__(self, host):
        self.host = host
        self.sock = socket.create_connection(("127.0.0.1", host.server.port))
        self.sock.settimeout(120)
        self.sock.sendall(attacks.HEAD.format("").encode())
        assert b"101" in self.sock.recv(4096)
        self.ping = attacks.request(1, attacks.PING, attacks.text(1, b"x"))
        self.answer = len(self.ping) - 4

    def waits(self, seconds, between=lambda: None):
        """Milliseconds of the loop's time for each ping. Where we may, no other program keeps us
        from seeing the pong at once: until we do, the loop's time goes on. `between` is called
        between two pings, five times a second; a thread of its own would be in our way where the
        machine is busy."""
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
        try:
            return self.pings(seconds, between)
        finally:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))

    def pings(self, seconds, between):
        found = []
        self.clock_most = 0
        end = time.monotonic() + seconds
        looks_at = 0
        while (now := time.monotonic()) < end:
            if now > looks_at:
                between()
                looks_at = now + 0.2
            at = time.monotonic()
            before = self.host.clock.nanoseconds()
            self.sock.sendall(self.ping)
            left = self.answer
            while left > 0:
                part = self.sock.recv(left)
                assert part, "the session was ended"
                left -= len(part)
            found.append((self.host.clock.nanoseconds() - before) / 1e6)
            self.clock_most = max(self.clock_most, time.monotonic() - at)
            time.sleep(0.002)
        return found


def given_back(host, seconds):
    """When the sessions are gone and what they held is free; None: not in time."""
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        found = host.metrics()
        if found["connections"] <= 1 and found["held_bytes"] == 0:
            return time.monotonic() - start
        time.sleep(0.2)
    return None


def measure(host, probe, name, kinds, count, seconds=6):
    resident = host.server.resident()
    peaks = {"held": 0, "resident": 0}

    def watch():
        peaks["resident"] = max(peaks["resident"], host.server.resident())
        peaks["held"] = max(peaks["held"], host.metrics()["held_bytes"])

    with attacks.attacking(host.server.port, kinds, count):
        waits = sorted(probe.waits(seconds, watch))
    back = given_back(host, GIVEN_BACK_SECONDS)
    found = host.metrics()
    goal = GOALS.get(count, 25)
    worst = waits[-1]
    print(f"  {name:26} {count:5} of each: loop's time {waits[len(waits) // 2]:7.2f} ms median,"
          f" {waits[int(len(waits) * 0.99)]:7.2f} p99, {worst:7.2f} most"
          f" ({len(waits)} pings; {probe.clock_most * 1e3:.0f} ms most by the clock); held {peaks['held'] >> 20} MiB,"
          f" resident +{max(0, peaks['resident'] - resident) >> 20} MiB,"
          f" given back after {'-' if back is None else f'{back:.1f} s'},"
          f" then +{max(0, host.server.resident() - resident) >> 20} MiB;"
          f" most work of a turn so far {found['turn_work'] / 1e6:.1f}"
          f"{'' if worst <= goal and back is not None else '   MISSED'}", flush=True)


def calm(start_host, broker, counts=(100, 1000), kinds=None):
    """`start_host` answers a context manager of a gateway in front of the broker."""
    for count in counts:
        with start_host(broker) as server:
            host = Host(server)
            probe = Probe(host)
            quiet = sorted(probe.waits(1))
            print(f"  {'nobody else':26}       loop's time {quiet[len(quiet) // 2]:7.2f} ms median,"
                  f" {quiet[-1]:.2f} most", flush=True)
            for name in kinds or attacks.KINDS:
                measure(host, probe, name, [name], count)
            if not kinds:
                measure(host, probe, "all together", list(attacks.KINDS), count)
