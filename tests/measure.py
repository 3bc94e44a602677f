"""How long something takes, without what other tests have left behind."""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def cpu() -> Iterator[Callable[[], float]]:
    """Gives the CPU seconds that this process, with its servers in threads, has spent in the block so far."""
    gc.collect()
    gc.disable()  # else each collection walks through what thousands of tests keep
    began = time.process_time()
    try:
        yield lambda: time.process_time() - began
    finally:
        gc.enable()
