"""What is particular to runs in which connections are cut."""

import gc
import warnings
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _own_garbage() -> Iterator[None]:
    """Clears away here what a cut connection left unclosed, since the test in which it is found else is blamed for it."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
