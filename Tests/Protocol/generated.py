"""That the Swift which is checked in is what the generator writes."""

import pathlib
import subprocess
import sys
import tempfile


def check(root):
    failures, same = [], 0
    with tempfile.TemporaryDirectory() as directory:
        generate = root / "Sources" / "KafkaProtocol" / "generate"
        subprocess.run([sys.executable, str(generate), directory], check=True)
        for target in ("KafkaProtocol", "KafkaMirror"):
            fresh = contents(pathlib.Path(directory) / target / "Generated")
            checked_in = contents(root / "Sources" / target / "Generated")
            for name in sorted(fresh.keys() | checked_in.keys()):
                if fresh.get(name) == checked_in.get(name):
                    same += 1
                else:
                    failures.append(f"{target}/Generated/{name}: run {generate.relative_to(root)}")
    return same, failures


def contents(directory):
    return {path.name: path.read_text() for path in directory.glob("*.swift")}
