"""Python's collector of cycles, and acts that hold very many rows at once."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Let the collector rest meanwhile: as rows come in by the hundred thousand it would look through all there is, many times.

    It rests for the whole process, so only for a second or two. Rows hold no cycles, and are freed without it.
    """
    was_at_work = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_at_work:
            gc.enable()
