"""Ending a task for certain.

`asyncio.wait_for` of Python 3.11 returns a result, and swallows the cancellation, when both come in the same
turn of the loop; aiosmtplib uses it for every reply, and a caller's source may. What may contain it therefore
runs in a task of its own, waited for with `asyncio.wait`, which swallows nothing, and is ended here.
"""

from __future__ import annotations

import asyncio
from typing import Any

ASK_AGAIN_SECONDS = 0.05


async def end(task: asyncio.Task[Any]) -> None:
    """Return when the task is done; its result or error is left in it. Our own cancellation comes after that."""
    cancelled = False
    while not task.done():
        task.cancel()
        try:
            await asyncio.wait({task}, timeout=ASK_AGAIN_SECONDS)
        except asyncio.CancelledError:
            cancelled = True
    if not task.cancelled():
        task.exception()  # looked at, so that asyncio does not complain of an error nobody wanted
    if cancelled:
        raise asyncio.CancelledError
