"""That kafka-python's record readers and ours find the same records, and write them alike.

In the fetch responses of Tests/Vectors, in whatever version they are, and in batches that
kafka-python builds from random records, in the three formats and with every codec.
"""

import json
import random
import subprocess

from kafka.protocol.consumer import FetchResponse
from kafka.record import MemoryRecords, MemoryRecordsBuilder

CODECS = {0: [0, 1, 2, 3], 1: [0, 1, 2, 3], 2: [0, 1, 2, 3, 4]}


def check(root, tool, seed, rounds):
    sets = list(recorded(root)) + list(built(random.Random(seed), rounds))
    text = "".join(f"records {data.hex()}\n" for _, data in sets)
    answers = subprocess.run([tool], input=text, check=True, capture_output=True, text=True)
    good, failures = 0, []
    for (place, data), answer in zip(sets, answers.stdout.splitlines(), strict=True):
        ours = json.loads(answer)
        theirs = read(data)
        if ours.get("value") == theirs:
            good += 1
        else:
            failures.append(f"{place}: {str(ours)[:300]} here, {str(theirs)[:300]} there")
        if place.startswith("built, magic 2, codec 0"):
            if ours.get("again") == data.hex():
                good += 1
            else:
                failures.append(f"{place}: {ours.get('again')} written, {data.hex()} there")
    return good, failures


def recorded(root):
    for path in sorted((root / "Tests" / "Vectors" / "kafka").glob("*/*.jsonl")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            exchange = json.loads(line)
            if exchange["api_key"] != 1 or not exchange["response"]:
                continue
            version = exchange["api_version"]
            # Behind the correlation id, and from version 12 on an empty tag section.
            body = bytes.fromhex(exchange["response"])[5 if version >= 12 else 4:]
            for topic in FetchResponse.decode(body, version=version).responses:
                for partition in topic.partitions:
                    if partition.records:
                        yield f"{path.parent.name}/{path.name}:{number}", bytes(partition.records)


def built(rng, rounds):
    for magic, codecs in CODECS.items():
        for codec in codecs:
            for number in range(rounds * 4):
                builder = MemoryRecordsBuilder(magic, codec, batch_size=1 << 20)
                for _ in range(rng.randint(1, 40)):
                    headers = [(word(rng), value(rng)) for _ in range(rng.randint(0, 3))]
                    builder.append(rng.randint(0, 1 << 41), value(rng), value(rng),
                                   headers if magic == 2 and rng.random() < 0.5 else [])
                builder.close()
                yield f"built, magic {magic}, codec {codec}, {number}", bytes(builder.buffer())


def word(rng):
    return rng.choice(["", "a", "trace-id", "grüße", "x" * 200])


def value(rng):
    return rng.choice([None, b"", b"\0", rng.randbytes(rng.randint(1, 300)), b"y" * 2000])


def read(data):
    entries = []
    records = MemoryRecords(data)
    while records.has_next():
        batch = records.next_batch()
        assert batch.validate_crc()
        is_control = batch.magic == 2 and batch.is_control_batch
        entries.append({"magic": batch.magic, "isControl": is_control,
                        "records": [record(r) for r in batch]})
    return entries


def record(theirs):
    return {"offset": theirs.offset,
            "timestamp": -1 if theirs.timestamp is None else theirs.timestamp,
            "key": plain(theirs.key), "value": plain(theirs.value),
            "headers": [{"name": name.encode().hex(), "value": plain(value)}
                        for name, value in theirs.headers]}


def plain(data):
    return None if data is None else bytes(data).hex()
