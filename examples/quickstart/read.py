"""Reads records through the gateway with a stock WebSocket client and protoc's own code.

    read.py URL TOPIC COUNT

Asks from offset 0 on, follows next_offset, checks that every offset comes once and in order, and
that the contents are those of the development broker ("TOPIC-OFFSET" in front, where it wrote
them). Prints the figures; exits 1 if anything is not as it should be.
"""
import sys
import time

from websockets.sync.client import connect

import pubsub_pb2 as pubsub


def ask(socket, sequence, **command):
    socket.send(pubsub.PubSubReq(sequence=sequence, **command).SerializeToString())
    reply = pubsub.PubSubResp.FromString(socket.recv())
    if reply.sequence != sequence:
        sys.exit(f"asked {sequence}, was answered {reply.sequence}")
    if reply.WhichOneof("resp") == "error_resp":
        sys.exit(f"the gateway says: {reply.error_resp.message} (code {reply.error_resp.code})")
    return reply


def main(url, topic, count):
    begin = time.monotonic()
    with connect(url, max_size=None) as socket:
        pong = ask(socket, 1, cmd_ping=pubsub.CmdPing(state=b"hello"))
        if pong.pong_resp.state != b"hello":
            sys.exit(f"the pong says {pong.pong_resp.state!r}")
        earliest = ask(socket, 2, cmd_kafka_list_offset=pubsub.CmdKafkaListOffset(
            topic=topic, timestamp=-2)).kafka_list_offset_resp.offset
        latest = ask(socket, 3, cmd_kafka_list_offset=pubsub.CmdKafkaListOffset(
            topic=topic, timestamp=-1)).kafka_list_offset_resp.offset
        if latest - earliest < count:
            sys.exit(f"the topic {topic} has only {latest - earliest} records, {count} are wanted")
        offset, read, replies, size, last = earliest, 0, 0, 0, earliest - 1
        while read < count:
            reply = ask(socket, 10 + replies, cmd_kafka_fetch=pubsub.CmdKafkaFetch(
                topic=topic, offset=offset, max_bytes=16384)).kafka_fetch_resp
            if not reply.messages:
                sys.exit(f"no records at offset {offset}, though the end is {latest}")
            for message in reply.messages:
                if message.offset <= last or message.offset < offset:
                    sys.exit(f"offset {message.offset} came after {last}, asked for {offset}")
                if message.value.startswith(topic.encode() + b"-"):
                    named = message.value.split(b"-")[-1].split()[0]
                    if int(named) != message.offset:
                        sys.exit(f"offset {message.offset} holds {message.value!r}")
                last = message.offset
            read += len(reply.messages)
            size += sum(len(m.key) + len(m.value) for m in reply.messages)
            offset = reply.next_offset
            replies += 1
    seconds = time.monotonic() - begin
    print(f"read {read} records ({size} bytes of keys and values) in {replies} replies,"
          f" offsets {earliest} to {last} without a gap or a repeat, in {seconds:.3f} s")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
