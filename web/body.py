"""Reading a body no larger and no longer than it may be."""

from __future__ import annotations

import asyncio

from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

READ_SECONDS = 5
# Read and thrown away, so that a client that is still sending gets to see the answer.
DRAINED_BYTES = 4 * 2**20


async def read(request: Request, *, limit_bytes: int, seconds: float = READ_SECONDS) -> bytes:
    """Give the body, counted as it comes; raises HTTPException 413 above the limit, 408 when it dawdles."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            async for part in request.stream():
                size += len(part)
                if size <= limit_bytes:
                    parts.append(part)
                elif size > limit_bytes + DRAINED_BYTES:
                    break
    except TimeoutError:
        raise HTTPException(408, "The request took too long to arrive.") from None
    except ClientDisconnect:
        raise HTTPException(400, "The request broke off.") from None
    if size > limit_bytes:
        raise HTTPException(413, f"The request is larger than {limit_bytes} bytes.")
    return b"".join(parts)
