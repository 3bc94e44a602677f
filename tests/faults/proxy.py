"""Doors to a server that break what passes: PostgreSQL's answers to COMMIT, and the words of an IMAP server anywhere."""

import itertools
import math
import select
import socket
import threading
from contextlib import contextmanager, suppress

COMMIT = b"Q\0\0\0\x0bCOMMIT\0"  # the whole message, as psycopg sends it
READ_BYTES = 64 * 1024
STALLING = 0.2  # of the connections that are dropped


class Door:
    """`port` leads to the server at `target`; each connection is relayed in a thread of its own."""

    def __init__(self, target):
        self._target, self._listener = ("127.0.0.1", target), socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def open(self):
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def close(self):
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes who waits in accept
        self._listener.close()

    def _serve(self, client):
        with suppress(OSError), client, socket.create_connection(self._target) as server:
            self._relay(client, server)


class LosingCommits(Door):
    """Lets a COMMIT in and cuts before its answer comes out. `loses(n)` says whether of the nth; `lost` counts them."""

    def __init__(self, target, loses):
        super().__init__(target)
        self._loses, self._numbers, self.lost = loses, itertools.count(1), 0

    def _relay(self, client, server):
        for source, target, data in pieces(client, server):
            target.sendall(data)
            if source is client and data == COMMIT and self._loses(next(self._numbers)):
                server.recv(READ_BYTES)  # it has committed
                self.lost += 1
                return


class Dropping(Door):
    """Lets some bytes of the server out, as likely few as many, then cuts or stands still until the client goes.

    `is_whole` lets everything through; `cuts` and `stalls` count.
    """

    def __init__(self, target, dice, most_bytes):
        super().__init__(target)
        self._dice, self._most, self.is_whole, self.cuts, self.stalls = dice, most_bytes, False, 0, 0

    def _relay(self, client, server):
        left = math.inf if self.is_whole else int(self._most ** self._dice.random())
        for source, target, data in pieces(client, server):
            if source is server and len(data) >= left:
                target.sendall(data[:left])
                self._drop(client)
                return
            target.sendall(data)
            left -= len(data) if source is server else 0

    def _drop(self, client):
        if self._dice.random() < STALLING:
            self.stalls += 1
            while client.recv(READ_BYTES):
                pass
        else:
            self.cuts += 1


def pieces(client, server):
    """Give what either side says, with whom it is from and for, until one of them ends."""
    others = {client: server, server: client}
    while True:
        for ready in select.select(list(others), [], [])[0]:
            if not (data := ready.recv(READ_BYTES)):
                return
            yield ready, others[ready], data


@contextmanager
def opened(door):
    """Give a door that lets in."""
    thread = threading.Thread(target=door.open)
    thread.start()
    try:
        yield door
    finally:
        door.close()
        thread.join()
