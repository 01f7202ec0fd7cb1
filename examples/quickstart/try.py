"""A WebSocket prompt in the pubsub.text mode: sends each line, prints what comes back.

    try.py URL
"""
import sys
import threading

from websockets.sync.client import connect


def show(socket):
    for text in socket:
        print("<", text)
    print("closed:", socket.close_code, socket.close_reason)


def main(url):
    with connect(url, subprotocols=["pubsub.text"], max_size=None) as socket:
        threading.Thread(target=show, args=(socket,), daemon=True).start()
        for line in sys.stdin:
            if line.strip():
                socket.send(line.strip())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
