"""Bulk TCP for the benchmark: the same light tool at the client's end of every tunnel, and as the resource behind ocserv.

  bulk.py serve ADDRESS          discard on port 9, generator on port 19
  bulk.py down ADDRESS SECONDS   reads from port 19, prints Mbit/s, all bytes and its own seconds of CPU
  bulk.py up ADDRESS SECONDS     writes to port 9 until the other end has it all, prints the same
  bulk.py first ADDRESS          for each line of input: reads one byte from port 19, and prints {}
"""
import socket
import sys
import threading
import time

BLOCK = bytes(1 << 18)
WARM_UP = 0.5


def discard(connection):
    buffer = bytearray(1 << 18)
    while connection.recv_into(buffer):
        pass
    connection.close()


def generate(connection):
    try:
        while True:
            connection.sendall(BLOCK)
    except OSError:
        connection.close()


def serve(address):
    for port, handle in ((9, discard), (19, generate)):
        listener = socket.create_server((address, port))
        def accept(listener=listener, handle=handle):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=handle, args=(connection,), daemon=True).start()
        threading.Thread(target=accept, daemon=True).start()
    print("{}", flush=True)
    sys.stdin.read()


def down(address, seconds):
    connection = socket.create_connection((address, 19), timeout=10)
    buffer = bytearray(1 << 18)
    warm, start = 0, time.monotonic()
    while time.monotonic() - start < WARM_UP:
        warm += connection.recv_into(buffer)
    count, start = 0, time.monotonic()
    while time.monotonic() - start < seconds:
        count += connection.recv_into(buffer)
    print(count * 8 / (time.monotonic() - start) / 1e6, warm + count, time.process_time())


def up(address, seconds):
    connection = socket.create_connection((address, 9), timeout=10)
    count, start = 0, time.monotonic()
    while time.monotonic() - start < seconds:
        count += connection.send(BLOCK)
    connection.shutdown(socket.SHUT_WR)
    connection.recv(1)
    print(count * 8 / (time.monotonic() - start) / 1e6, count, time.process_time())


def first(address):
    for _ in sys.stdin:
        with socket.create_connection((address, 19), timeout=10) as connection:
            connection.recv(1)
        print("{}", flush=True)


if sys.argv[1] == "serve":
    serve(sys.argv[2])
elif sys.argv[1] == "first":
    first(sys.argv[2])
else:
    {"down": down, "up": up}[sys.argv[1]](sys.argv[2], float(sys.argv[3]))
