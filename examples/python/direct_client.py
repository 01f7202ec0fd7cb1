#!/usr/bin/env python3
"""Reads Kafka for the program itself, with the client that the gateway has inside.

    direct_client.py [--brokers localhost:9092] [--topic demo] [--follow]

Prints what topics there are, where the partitions of one begin and end, their last records, and
with --follow all that come from now on.
"""

import argparse
import asyncio

import pubsubgw


def show(record: pubsubgw.Record) -> None:
    headers = "".join(f" {name}={value!r}" for name, value in record.headers)
    place = f"{record.partition}:{record.offset}"
    print(f"{place} {record.key!r} {record.value!r}{headers}", flush=True)


async def follow(client: pubsubgw.Client, topic: str, partition: int) -> None:
    async for record in client.subscribe(topic, partition, "latest"):
        show(record)


async def read(client: pubsubgw.Client, options: argparse.Namespace) -> None:
    topics = (await client.metadata())["topics"]
    print("topics:", *(topic["name"] for topic in topics))
    partitions = [one["partition"]
                  for one in (await client.metadata(options.topic))["topics"][0]["partitions"]]
    for partition in partitions:
        # Two questions at once: they share a request.
        begin, end = await asyncio.gather(
            client.list_offset(options.topic, partition, -2),
            client.list_offset(options.topic, partition, -1))
        print(f"partition {partition}: {begin.offset} to {end.offset}")
        offset = max(begin.offset, end.offset - 5)
        while offset < end.offset:
            fetched = await client.fetch(options.topic, partition, offset)
            for record in fetched.records:
                show(record)
            offset = fetched.next_offset
    if options.follow:
        await asyncio.gather(
            *(follow(client, options.topic, partition) for partition in partitions))


async def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--brokers", default="localhost:9092")
    arguments.add_argument("--topic", default="demo")
    arguments.add_argument("--follow", action="store_true")
    options = arguments.parse_args()
    with pubsubgw.Gateway() as gateway:
        async with gateway.running():
            with gateway.client(nodes=options.brokers) as client:
                await read(client, options)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
    except pubsubgw.Error as error:
        raise SystemExit(f"direct_client: {error}")
