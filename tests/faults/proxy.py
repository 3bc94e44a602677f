"""A door to PostgreSQL that lets a COMMIT in and cuts the connection before the answer comes out."""

import itertools
import select
import socket
import threading
from contextlib import contextmanager, suppress

COMMIT = b"Q\0\0\0\x0bCOMMIT\0"  # the whole message, as psycopg sends it
READ_BYTES = 64 * 1024


class Door:
    """`loses(n)` says whether the answer to the nth COMMIT is lost; `lost` counts them."""

    def __init__(self, port, loses):
        self._target, self._loses = ("127.0.0.1", port), loses
        self._numbers, self._listener = itertools.count(1), socket.create_server(("127.0.0.1", 0))
        self.port, self.lost = self._listener.getsockname()[1], 0

    def open(self):
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def close(self):
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes who waits in accept
        self._listener.close()

    def _relay(self, client):
        with suppress(OSError), client, socket.create_connection(self._target) as server:
            others = {client: server, server: client}
            while True:
                for ready in select.select(list(others), [], [])[0]:
                    if not (data := ready.recv(READ_BYTES)):
                        return
                    others[ready].sendall(data)
                    if ready is client and data == COMMIT and self._loses(next(self._numbers)):
                        server.recv(READ_BYTES)  # it has committed
                        self.lost += 1
                        return


@contextmanager
def losing_commits(port, loses):
    """Give a door to the PostgreSQL at `port`."""
    door = Door(port, loses)
    thread = threading.Thread(target=door.open)
    thread.start()
    try:
        yield door
    finally:
        door.close()
        thread.join()
