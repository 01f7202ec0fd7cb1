#!/usr/bin/env python3
"""Runs the Autobahn suite itself, where there is a Python 2.7 for it.

    python3 Tests/WebSocket/autobahn.py --echo .build/release/pubsubgw-echo [--full]

Without --full the 301 cases without compression, in about 20 seconds; with it all 517, in about 15
minutes. Every case must be OK but for the three that the suite never judges.
"""
import argparse
import glob
import json
import os
import shutil
import subprocess
import sys

from wire import Echo, Report

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PLACE = os.path.join(ROOT, ".build", "autobahn")
RELEASE = "25.10.1"
INFORMATIONAL = {"7.1.6", "7.13.1", "7.13.2"}
PLAIN = [f"{section}.*" for section in (1, 2, 3, 4, 5, 6, 7, 9, 10)]


def python2():
    found = [shutil.which("python2.7"), shutil.which("python2")]
    found += sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/2.7*/bin/python")))
    for path in filter(None, found):
        # A shim of pyenv may be there without a Python behind it.
        check = subprocess.run([path, "-m", "pip", "--version"], capture_output=True)
        if check.returncode == 0:
            return path
    return None


def install(python):
    wstest = os.path.join(PLACE, "bin", "wstest")
    if os.path.exists(wstest):
        return wstest
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    tools = os.path.join(PLACE, "tools")
    subprocess.run([python, "-m", "pip", "install", "-q", "--target", tools, "virtualenv"], **quiet)
    subprocess.run(
        [python, "-m", "virtualenv", PLACE], env={**os.environ, "PYTHONPATH": tools}, **quiet)
    pip = os.path.join(PLACE, "bin", "pip")
    subprocess.run([pip, "install", "-q", f"autobahntestsuite=={RELEASE}"], **quiet)
    return wstest


def judge(report, outcome, number):
    expected = "INFORMATIONAL" if number in INFORMATIONAL else "OK"
    got = (outcome["behavior"], outcome["behaviorClose"])

    def check():
        assert got == (expected, expected), f"{got[0]}, close {got[1]}"
    report.run(number, check)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--echo", required=True)
    parser.add_argument("--full", action="store_true")
    arguments = parser.parse_args()
    report = Report()
    python = python2()
    if not python:
        report.skip("Autobahn", "there is no Python 2.7 here; conformance.py replays its cases")
        return report.close()
    wstest = install(python)
    reports = os.path.join(PLACE, "reports")
    shutil.rmtree(reports, ignore_errors=True)
    with Echo(arguments.echo, "--deflate") as echo:
        specification = os.path.join(PLACE, "specification.json")
        with open(specification, "w") as file:
            json.dump({
                "outdir": reports, "exclude-cases": [], "exclude-agent-cases": {},
                "servers": [{"agent": "echo", "url": f"ws://127.0.0.1:{echo.port}"}],
                "cases": PLAIN + (["12.*", "13.*"] if arguments.full else []),
            }, file)
        subprocess.run(
            [wstest, "-m", "fuzzingclient", "-s", specification], check=True,
            stdout=subprocess.DEVNULL)
    with open(os.path.join(reports, "index.json")) as file:
        outcomes = json.load(file)["echo"]
    for number, outcome in sorted(outcomes.items()):
        judge(report, outcome, number)
    wanted = 517 if arguments.full else 301

    def complete():
        assert len(outcomes) == wanted, f"{len(outcomes)} cases"
    report.run(f"{wanted} cases", complete)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
