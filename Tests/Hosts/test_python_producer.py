"""Producing from Python, on asyncio; read back by clients that others wrote."""

import asyncio

import pubsubgw
from test_c import read_all
from test_python_client import run


def values(broker, topic, partitions=1, isolation="read_uncommitted"):
    return [record[4] for record in read_all(broker.bootstrap, topic, partitions, isolation)]


def test_produce_waits_until_a_record_is_stored():
    async def main(gateway, client, broker):
        first = await client.produce("t", b"a", b"k", headers={"n": b"x", "m": None})
        assert first == ("t", 0, 0, -1), first
        assert await client.produce("t", b"", partition=0, timestamp=5) == ("t", 0, 1, -1)
        assert (await client.produce("t")).offset == 2
        # Many tasks cost few requests.
        before = broker.requests(0)
        many = await asyncio.gather(*(client.produce("t", b"%d" % n) for n in range(500)))
        assert sorted(one.offset for one in many) == list(range(3, 503))
        assert broker.requests(0) - before < 50
        records = await asyncio.to_thread(read_all, broker.bootstrap, "t", 1, "read_uncommitted")
        assert records[0][3:] == (b"k", b"a", (("n", b"x"), ("m", None)))
        assert records[1][2:] == (5, None, b"", ()) and records[2][4] is None
        for offset, one in enumerate(many):
            assert records[one.offset][4] == b"%d" % offset
    run(main, "--topic", "t:1")


def test_batches_are_stored_as_a_whole_and_in_order():
    wanted = [b"%d" % n * (n % 7) for n in range(50_000)]
    keys = [None if n % 3 == 0 else b"" if n % 3 == 1 else b"k%d" % n for n in range(50_000)]

    async def main(gateway, client, broker):
        with client.producer(linger_ms=1, buffer_memory=1_000_000) as producer:
            await producer.produce_batch("t", wanted, keys)
            await producer.produce_batch("t", [None, b"x"])
            await producer.produce_batch("t", [])
        records = await asyncio.to_thread(read_all, broker.bootstrap, "t", 1, "read_uncommitted")
        assert [record[4] for record in records] == wanted + [None, b"x"]
        assert [record[3] for record in records] == keys + [None, None]
        try:
            await client.produce_batch("t", [b"a"], [b"k", b"l"])
            raise AssertionError("taken")
        except pubsubgw.InvalidError:
            pass
    run(main, "--topic", "t:1")


def test_failures_say_why():
    async def main(gateway, client, broker):
        settings = {"topic.metadata.propagation.max.ms": 300}
        with client.producer(settings) as producer:
            for begin in (producer.produce("none", b"x"), producer.produce_batch("none", [b"x"] * 9)):
                try:
                    await begin
                    raise AssertionError("stored")
                except pubsubgw.KafkaError as error:
                    assert error.kafka_code == 3 and not error.may_be_stored, error
        try:
            client.producer({"linger.ms": -1})
            raise AssertionError("taken")
        except pubsubgw.ConfigError as error:
            assert "linger.ms" in str(error)
        producer = client.producer(linger_ms=10_000)
        waiting = asyncio.ensure_future(producer.produce("t", b"x"))
        await asyncio.sleep(0.05)
        producer.close()
        try:
            await waiting
            raise AssertionError("stored")
        except pubsubgw.GoneError:
            pass
    run(main, "--topic", "t:1")


def test_a_transaction_is_a_context():
    async def main(gateway, client, broker):
        async with client.producer(transactional_id="x") as producer:
            async with producer.transaction():
                await producer.produce_batch("t", [b"a", b"b"])
            try:
                async with producer.transaction():
                    await producer.produce("t", b"c")
                    raise ValueError("no")
            except ValueError:
                pass
            async with producer.transaction() as same:
                assert same is producer
                await asyncio.gather(*(producer.produce("t", b"d") for _ in range(3)))
            try:
                await producer.produce("t", b"outside")
                raise AssertionError("stored")
            except pubsubgw.StateError:
                pass
        committed = await asyncio.to_thread(values, broker, "t", 1, "read_committed")
        assert committed == [b"a", b"b", b"d", b"d", b"d"]
        every = await asyncio.to_thread(values, broker, "t")
        assert every == [b"a", b"b", b"c", b"d", b"d", b"d"]
    run(main, "--topic", "t:1")


def test_a_broken_transaction_is_aborted():
    async def main(gateway, client, broker):
        settings = {"transactional.id": "x", "topic.metadata.propagation.max.ms": 200}
        async with client.producer(settings) as producer:
            try:
                async with producer.transaction():
                    await producer.produce("t", b"a")
                    asyncio.ensure_future(producer.produce("none", b"b")).add_done_callback(
                        lambda task: task.exception())
                    await asyncio.sleep(0)
                raise AssertionError("committed")
            except pubsubgw.Error as error:
                assert error.must_abort, error
            async with producer.transaction():
                await producer.produce("t", b"c")
        committed = await asyncio.to_thread(values, broker, "t", 1, "read_committed")
        assert committed == [b"c"]
    run(main, "--topic", "t:1")
