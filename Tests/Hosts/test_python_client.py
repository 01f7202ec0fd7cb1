"""The direct Kafka client in Python: against records that librdkafka wrote, on asyncio."""

import asyncio
import itertools
import os
import subprocess
import sys

import pubsubgw
from clients import Confluent, sample
from devbroker import DevBroker
from support import ROOT, Client, route

EARLIEST, LATEST = -2, -1


def run(main, *options):
    """`main(gateway, client, broker)` on a loop, with a broker of its own."""
    async def started():
        with DevBroker(*options) as broker, pubsubgw.Gateway() as gateway:
            gateway.route_put(route(broker.bootstrap), id="kafka")
            async with gateway.running():
                with gateway.client(route="kafka") as client:
                    await main(gateway, client, broker)
    asyncio.run(asyncio.wait_for(started(), 200))


def shape(record):
    return (record.key, record.value, list(record.headers), record.timestamp)


async def read_all(client, topic, end, **more):
    records, offset = [], 0
    while offset < end:
        fetched = await client.fetch(topic, 0, offset, max_wait=5, **more)
        assert fetched.next_offset > offset, f"nothing at {offset} of {end}"
        records += fetched.records
        offset = fetched.next_offset
    return records


def test_fetch_gives_every_shape_of_record():
    wanted = sample(300)

    async def main(gateway, client, broker):
        for codec in ("none", "lz4"):
            topic = f"shapes-{codec}"
            await asyncio.to_thread(Confluent(broker).write, topic, wanted, codec)
            for more in ({}, {"max_bytes": 500}, {"isolation": pubsubgw.Isolation.READ_COMMITTED}):
                records = await read_all(client, topic, 300, **more)
                assert [record.offset for record in records] == list(range(300))
                assert [shape(record) for record in records] == wanted
                assert {(r.topic, r.partition, r.append_time) for r in records} \
                    == {(topic, 0, False)}
            fetched = await client.fetch(topic, 0, LATEST)
            assert (fetched.records, fetched.next_offset) == ([], 300), fetched
            fetched = await client.fetch(topic, 0, EARLIEST, max_bytes=1)
            assert len(fetched.records) == 1 and fetched.next_offset == 1
            assert fetched.high_watermark in (-1, 300)
            assert await client.list_offset(topic, 0, LATEST) == (300, -1)
            assert (await client.list_offset(topic, 0, EARLIEST)).offset == 0
            assert await client.list_offset(topic, 0, wanted[7][3] - 1) == (7, wanted[7][3])
        found = (await client.metadata("shapes-lz4"))["topics"]
        assert found[0]["name"] == "shapes-lz4", found
        assert [one["partition"] for one in found[0]["partitions"]] == [0], found
        assert {one["name"] for one in (await client.metadata())["topics"]} \
            >= {"shapes-none", "shapes-lz4"}
    run(main, "--topic", "shapes-none:1", "--topic", "shapes-lz4:1")


def test_errors_are_exceptions():
    async def main(gateway, client, broker):
        for question, error in [
                (lambda: client.fetch("nowhere", 0, 0), pubsubgw.KafkaError),
                (lambda: client.fetch("demo", 9, 0), pubsubgw.Error),
                (lambda: client.fetch("demo", 0, 10_000), pubsubgw.KafkaError),
                (lambda: client.list_offset("nowhere", 0, -1), pubsubgw.Error),
                (lambda: client.fetch("", 0, 0), pubsubgw.InvalidError)]:
            try:
                await question()
            except error as raised:
                assert raised.text and raised.code < 0, raised
            else:
                raise AssertionError(f"no {error}")
        try:
            await client.fetch("demo", 0, 10_000)
        except pubsubgw.KafkaError as raised:
            assert (raised.name, raised.kafka_code) == ("OFFSET_OUT_OF_RANGE", 1), raised
        try:
            async for _ in client.subscribe("demo", 0, 10_000):
                pass
        except pubsubgw.KafkaError as raised:
            assert raised.name == "OFFSET_OUT_OF_RANGE"
        else:
            raise AssertionError("the subscription did not fail")
        for wrong in ({"route": "nowhere"}, {"nodes": "a:b"}, {}):
            try:
                gateway.client(**wrong)
            except pubsubgw.Error as raised:
                assert raised.text
            else:
                raise AssertionError(f"{wrong} was taken")
        # The rules of the route's topics bind its WebSocket clients, not the host.
        with gateway.client(nodes=broker.bootstrap) as second:
            assert len((await second.fetch("demo", 0, 0)).records) == 500
    run(main, "--records", "demo:500:100")


def test_many_requests_at_once():
    async def main(gateway, client, broker):
        fetched = await asyncio.gather(
            *(client.fetch("demo", 0, offset, max_bytes=1) for offset in range(500)))
        assert [one.records[0].offset for one in fetched] == list(range(500))
    run(main, "--records", "demo:500:100")


def test_a_cancelled_task_cancels_its_request():
    async def main(gateway, client, broker):
        waiting = [asyncio.create_task(client.fetch("demo", 0, 500, max_wait=60))
                   for _ in range(20)]
        await asyncio.sleep(0.3)
        assert not any(task.done() for task in waiting)
        for task in waiting[:10]:
            task.cancel()
        assert all(isinstance(result, asyncio.CancelledError) for result in
                   await asyncio.gather(*waiting[:10], return_exceptions=True))
        try:
            await asyncio.wait_for(client.fetch("demo", 0, 500, max_wait=60), 0.1)
        except asyncio.TimeoutError:
            pass
        # The others go on waiting, and are answered.
        await asyncio.to_thread(Confluent(broker).write, "demo", [(b"k", b"new", [], 1)])
        for fetched in await asyncio.gather(*waiting[10:]):
            assert fetched.records[0].value == b"new"
        last = asyncio.create_task(client.fetch("demo", 0, 501, max_wait=60))
        await asyncio.sleep(0.1)
        client.close()
        try:
            await last
        except pubsubgw.GoneError:
            pass
        else:
            raise AssertionError("the request outlived its client")
    run(main, "--records", "demo:500:100")


async def take(subscription, count):
    records = []
    async for record in subscription:
        records.append(record)
        if len(records) == count:
            return records
    raise AssertionError("it ended")


def test_subscribe_follows_a_partition():
    wanted = sample(50)

    async def main(gateway, client, broker):
        writer = Confluent(broker)
        await asyncio.to_thread(writer.write, "live", wanted)
        async with client.subscribe("live", 0, "earliest") as all_of_it, \
                client.subscribe("live", 0) as news, client.subscribe("live", 0, 20) as rest, \
                client.subscribe("live", 0, timestamp=wanted[30][3]) as later:
            assert [shape(record) for record in await take(all_of_it, 50)] == wanted
            assert [record.offset for record in await take(rest, 30)] == list(range(20, 50))
            assert [record.offset for record in await take(later, 20)] == list(range(30, 50))
            for number in range(3):
                waiting = [asyncio.create_task(take(one, 1)) for one in (all_of_it, news)]
                await asyncio.sleep(0.1)
                await asyncio.to_thread(
                    writer.write, "live", [(b"k", b"%d" % number, [("h", b"x")], 5)])
                for found in await asyncio.gather(*waiting):
                    assert [(one.offset, one.value, one.headers) for one in found] \
                        == [(50 + number, b"%d" % number, (("h", b"x"),))]
            assert all_of_it.high_watermark in (-1, 53), all_of_it.high_watermark
        try:
            async for _ in news:
                raise AssertionError("a closed subscription went on")
        except pubsubgw.GoneError:
            raise AssertionError("it should end quietly") from None
        # Others still read: what ended was only its own.
        assert len((await client.fetch("live", 0, 0)).records) == 53
    run(main, "--topic", "live:1")


def test_who_iterates_slowly_is_read_for_slowly():
    async def main(gateway, client, broker):
        before = resident()
        async with client.subscribe("big", 0, "earliest", queue_bytes=65536) as slow:
            first = await take(slow, 1)
            assert first[0].offset == 0
            # 100 MB wait in Kafka, and stay there.
            await asyncio.sleep(2)
            read = gateway.stats().records_in
            assert read < 40_000, read
            rest = await take(slow, 2000)
            assert [record.offset for record in rest] == list(range(1, 2001))
        assert resident() - before < 120 << 20
    run(main, "--records", "big:100000:1000")


def resident():
    with open(f"/proc/{os.getpid()}/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmRSS:"))


def test_it_shares_the_gateways_connections():
    async def main(gateway, client, broker):
        port = gateway.listen("127.0.0.1:0")

        def browse():
            with Client(f"ws://127.0.0.1:{port}/kafka") as browser:
                browser.read_all("demo", 0, 500)
        await asyncio.to_thread(browse)
        connections = gateway.stats().kafka_connections
        requests = broker.requests(1)
        # Fresh in the cache: not one more fetch.
        assert len((await client.fetch("demo", 0, 0, max_bytes=1 << 20)).records) == 500
        assert gateway.stats().kafka_connections == connections
        assert broker.requests(1) <= requests + 1
        subscriptions = [client.subscribe("demo", 0, "earliest") for _ in range(50)]
        for subscription in subscriptions:
            assert len(await take(subscription, 500)) == 500
        assert gateway.stats().kafka_connections <= connections + 2
        for subscription in itertools.islice(subscriptions, 25):
            subscription.close()
        del subscriptions, subscription
    run(main, "--records", "demo:500:100")


def test_the_example_shows_a_topic():
    with DevBroker("--records", "demo:12:20", "--live", "demo:20") as broker:
        command = [sys.executable, os.path.join(ROOT, "examples/python/direct_client.py"),
                   "--brokers", broker.bootstrap, "--topic", "demo", "--follow"]
        with subprocess.Popen(
                command, stdout=subprocess.PIPE, text=True,
                env={**os.environ, "PYTHONPATH": os.path.join(ROOT, "bindings/python")}) as example:
            assert example.stdout.readline() == "topics: demo\n"
            assert example.stdout.readline().startswith("partition 0: 0 to ")
            offsets = [int(example.stdout.readline().split()[0][2:]) for _ in range(15)]
            assert offsets == sorted(set(offsets)), offsets
            example.kill()
        command[-2:] = ["nowhere"]
        done = subprocess.run(
            command, capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": os.path.join(ROOT, "bindings/python")})
        assert done.returncode == 1 and done.stderr.startswith("direct_client: "), done
