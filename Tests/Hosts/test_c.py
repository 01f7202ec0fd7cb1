"""Hosts in C: each program under Tests/Hosts/c checks one kind of session by itself."""

import os
import struct
import subprocess

from devbroker import DevBroker
from support import ROOT, WORK


def c_host(
        name, *arguments, timeout=100, run=(), library=None, directory="Tests/Hosts/c", input=None):
    """Compiles and runs one, by the command `run` if there is one; answers its output."""
    program = os.path.join(WORK, f"{directory.replace('/', '-')}-{name}")
    subprocess.run(
        ["cc", "-std=c11", "-D_GNU_SOURCE", "-g", "-O1", "-Wall", "-Wextra", "-Wpedantic",
         "-Werror", "-o", program, os.path.join(ROOT, f"{directory}/{name}.c"),
         "-I" + os.path.join(ROOT, "include"), "-L" + WORK, "-lpubsubgw", "-lpthread"], check=True)
    done = subprocess.run(
        [*run, program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        input=input, timeout=timeout, env={**os.environ, "LD_LIBRARY_PATH": library or WORK})
    assert done.returncode == 0, f"{name} ended with {done.returncode}:\n{done.stdout[-4000:]}"
    return done.stdout


def test_lent_descriptors_come_back():
    c_host("borrow")


def test_commands_of_the_hosts_own_in_c():
    c_host("commands")


def test_tokens_of_the_host_in_c():
    c_host("tokens")


def test_bytes_sessions_keep_order_and_promises():
    c_host("bytes")


def test_bytes_sessions_do_not_stall():
    """A lost wake-up shows here: 20 sessions, 16 KB frames both ways at full speed."""
    seconds = 60 if os.environ.get("HOSTS_FULL") else 5
    print(c_host("bytes_load", "flood", str(seconds), timeout=seconds + 100))


def test_clients_that_vanish_in_a_frame_leave_nothing():
    print(c_host("bytes_load", "vanish", "2000"))


def test_round_trip_of_bytes_sessions():
    print(c_host("bytes_load", "pingpong", "50", "2000"))


def test_messages_sessions_and_pushes():
    c_host("messages")


def test_rough_hosts_in_c():
    c_host("rough")


def test_hosts_that_close_what_the_library_owns():
    c_host("closed")


def under_valgrind(name, *arguments):
    """Neither a bad access nor a block that nobody holds any more."""
    plain = os.path.join(WORK, "valgrind")
    os.makedirs(plain, exist_ok=True)
    # Without the debug information, of a kind that valgrind does not read.
    subprocess.run(["strip", "-g", "-o", os.path.join(plain, "libpubsubgw.so.0"),
                    os.environ["PUBSUBGW_LIBRARY"]], check=True)
    c_host(name, *arguments, run=[
        "valgrind", "-q", "--error-exitcode=9", "--leak-check=full",
        "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite",
        "--suppressions=" + os.path.join(ROOT, "Tests/Hosts/c/valgrind.supp")],
        library=plain)


def test_valgrind_finds_nothing_in_lent_descriptors():
    under_valgrind("borrow")


def test_valgrind_finds_nothing_in_bytes_sessions():
    under_valgrind("bytes")


def test_valgrind_finds_nothing_in_messages_sessions():
    under_valgrind("messages")


def test_valgrind_finds_nothing_in_rough_hosts():
    under_valgrind("rough")


def test_valgrind_finds_nothing_in_commands():
    under_valgrind("commands")


def test_valgrind_finds_nothing_in_a_kafka_client():
    with DevBroker("--topic", "filled:3", "--records", "filled:3000:100") as broker:
        under_valgrind("client", broker.bootstrap)


def test_direct_kafka_client_in_c():
    with DevBroker("--topic", "filled:3", "--records", "filled:3000:100") as broker:
        c_host("client", broker.bootstrap)


PRODUCED = ["--topic", "plain:3", "--topic", "busy:2"]
for name in ("full", "tx", "line", "cut"):
    PRODUCED += ["--topic", f"{name}:1"]


def read_all(bootstrap, topic, partitions, isolation):
    """What others' clients read of a topic, which both have to agree about: a list of records
    (partition, offset, timestamp, key, value, headers) in the order of their places."""
    import confluent_kafka
    import kafka
    theirs = kafka.KafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level=isolation, consumer_timeout_ms=1000,
        auto_offset_reset="earliest", enable_auto_commit=False)
    places = [kafka.TopicPartition(topic, number) for number in range(partitions)]
    theirs.assign(places)
    theirs.seek_to_beginning()
    found = sorted(
        (r.partition, r.offset, r.timestamp, r.key, r.value, tuple(r.headers)) for r in theirs)
    theirs.close()
    consumer = confluent_kafka.Consumer({
        "bootstrap.servers": bootstrap, "group.id": "g", "isolation.level": isolation,
        "enable.auto.commit": False, "enable.partition.eof": True})
    consumer.assign([
        confluent_kafka.TopicPartition(topic, number, 0) for number in range(partitions)])
    also, ended = [], 0
    while ended < partitions:
        for message in consumer.consume(1000, 1.0):
            if message.error():
                ended += 1
                continue
            also.append((
                message.partition(), message.offset(), message.timestamp()[1], message.key(),
                message.value(), tuple(message.headers() or ())))
    consumer.close()
    assert sorted(also) == found
    return found


def test_producers_in_c():
    with DevBroker(*PRODUCED) as broker:
        c_host("producer", broker.bootstrap)
        plain = read_all(broker.bootstrap, "plain", 3, "read_uncommitted")
        expected = []
        for partition in range(3):
            for offset, token in enumerate(range(partition, 3000, 3)):
                text = str(token).encode()
                expected.append(
                    (partition, offset, 1700000000000 + token, text, text, (("n", text),)))
        assert plain == expected
        busy = read_all(broker.bootstrap, "busy", 2, "read_uncommitted")
        values = sorted(int(record[4]) for record in busy)
        assert values == sorted(list(range(10000)) * 4)
        assert {record[3] for record in busy} == {b"k", b""}
        committed = read_all(broker.bootstrap, "tx", 1, "read_committed")
        assert [record[4] for record in committed] == [b"a", b"a", b"c", b"c", b"in"]
        every = read_all(broker.bootstrap, "tx", 1, "read_uncommitted")
        assert [record[4] for record in every][:6] == [b"a", b"a", b"b", b"b", b"c", b"c"]
        line = read_all(broker.bootstrap, "line", 1, "read_uncommitted")
        assert [record[3] for record in line] == [struct.pack("=Q", n) for n in range(4003)]


def test_valgrind_finds_nothing_in_producers():
    with DevBroker(*PRODUCED) as broker:
        under_valgrind("producer", broker.bootstrap)


def test_c_example_reads_a_partition():
    with DevBroker("--topic", "demo:2", "--live", "demo:50") as broker:
        lines = c_host("client", broker.bootstrap, "demo", "1", "40", directory="examples/c")
        offsets = [line.split()[1] for line in lines.splitlines()]
        assert offsets == [f"@{number}" for number in range(40)], lines
        assert lines.startswith("demo-1 @0 time="), lines


def test_c_example_sends_lines():
    with DevBroker("--topic", "lines:2") as broker:
        text = "".join(f"line {number}\n" for number in range(20000))
        said = c_host("produce", broker.bootstrap, "lines", directory="examples/c", input=text)
        assert said == "20000 stored, 0 lost\n", said
        records = read_all(broker.bootstrap, "lines", 2, "read_uncommitted")
        found = sorted(record[4].decode() + "\n" for record in records)
        assert found == sorted(text.splitlines(True))
