"""The queue's connection: a real Redis, or one inside this process when no FERMATA_REDIS_URL is set.

Redis only carries hints ("look at mailbox 3"): whatever it loses, the sweep finds again in the database (DESIGN G4).
"""

from __future__ import annotations

import json
from typing import Any

from arq.connections import ArqRedis
from fakeredis import FakeAsyncRedis, FakeServer
from redis.asyncio import ConnectionPool
from redis.asyncio.client import Pipeline

QUEUE = "fermata"
CONNECT_SECONDS = 2


def to_json(value: Any) -> bytes:
    """Write a job; arq's own default is pickle, which lets anyone who reaches Redis run code here."""
    return json.dumps(value).encode()


def from_json(data: bytes) -> Any:
    """Read a job."""
    return json.loads(data)


class _EmbeddedPipeline(Pipeline):
    def info(self, *_: Any, **__: Any) -> Any:
        # arq asks INFO when it starts, which fakeredis does not know; a missing hash answers {} as well.
        return self.hgetall("info")


class _EmbeddedRedis(ArqRedis):
    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Any:  # noqa: FBT001, FBT002 - redis-py's own signature
        return _EmbeddedPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


def open_queue(redis_url: str | None) -> ArqRedis:
    """Give a queue; it connects when it is first used. `redis_url` None: inside this process."""
    common: dict[str, Any] = {
        "job_serializer": to_json,
        "job_deserializer": from_json,
        "default_queue_name": QUEUE,
    }
    if redis_url is None:
        return _EmbeddedRedis(FakeAsyncRedis(server=FakeServer()).connection_pool, **common)
    pool: ConnectionPool = ConnectionPool.from_url(
        redis_url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=CONNECT_SECONDS
    )
    return ArqRedis(pool, **common)
