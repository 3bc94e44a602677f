"""Telling other systems what happened: signed, one event of a lead after the other, tried again until it is taken.

Beside the sweep, never in its way: a receiver that does not answer costs nobody else anything. What is taken and then not
written down, because we were killed in between, is told again with the same id.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

import httpx

from core.db import Database
from core.errors import Refused
from core.outgoing import book, delivering
from core.outgoing.delivering import Telling, Told
from core.secrets import Vault

LOG = logging.getLogger(__name__)
SECONDS = 10
CONNECTIONS = 8  # to one receiver; AT_ONCE / CONNECTIONS * SECONDS is less than the lease
READ_BYTES = 1024
REST = timedelta(minutes=1)
LONGEST_REST = timedelta(hours=1)
NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Teller:
    """Tells in the background, each hook by itself; `look` begins where there is something to tell."""

    def __init__(
        self, db: Database, vault: Vault, *, clock: Callable[[], datetime], may_be_private: bool = False
    ) -> None:
        """may_be_private: addresses inside our own network may be told as well (FERMATA_HOOKS_PRIVATE)."""
        self._db = db
        self._vault = vault
        self._clock = clock
        self._may_be_private = may_be_private
        self._running: dict[int, asyncio.Task[None]] = {}
        # Of a receiver that takes nothing at all: since when it rests, and for how long.
        self._rests: dict[int, tuple[datetime, timedelta]] = {}

    async def look(self) -> None:
        """Begin to tell every hook that has something to be told and is not being told already."""
        now = self._clock()
        for hook_id in await asyncio.to_thread(self._due, now):
            since, rest = self._rests.get(hook_id, (now, timedelta(0)))
            if hook_id not in self._running and not since <= now < since + rest:
                task = self._running[hook_id] = asyncio.create_task(self._tell_all(hook_id))
                task.add_done_callback(partial(self._ended, hook_id))

    async def settle(self) -> None:
        """Wait until what has begun has ended."""
        while self._running:
            await asyncio.wait(self._running.values())
            await asyncio.sleep(0)  # for the callbacks

    def _due(self, now: datetime) -> list[int]:
        with self._db.read() as session:
            return delivering.hooks_due(session, now=now)

    def _ended(self, hook_id: int, task: asyncio.Task[None]) -> None:
        self._running.pop(hook_id, None)
        if not task.cancelled() and (error := task.exception()):
            LOG.error("telling a hook failed", exc_info=error)

    async def _tell_all(self, hook_id: int) -> None:
        """Tell until nothing is left, or a whole batch was not taken: then the receiver rests, ever longer."""
        limits = httpx.Limits(max_connections=CONNECTIONS)
        async with httpx.AsyncClient(
            timeout=SECONDS, limits=limits, follow_redirects=False, trust_env=False
        ) as client:
            while batch := await asyncio.to_thread(delivering.claim, self._db, hook_id, now=self._clock()):
                turns = asyncio.Semaphore(CONNECTIONS)
                results = await asyncio.gather(*(self._tell(client, one, turns) for one in batch))
                await asyncio.to_thread(delivering.record, self._db, results, now=self._clock())
                if all(result.fault for result in results):
                    _, rest = self._rests.get(hook_id, (None, REST / 2))
                    self._rests[hook_id] = self._clock(), min(2 * rest, LONGEST_REST)
                    return
                self._rests.pop(hook_id, None)

    async def _tell(self, client: httpx.AsyncClient, telling: Telling, turns: asyncio.Semaphore) -> Told:
        async with turns:
            try:
                async with asyncio.timeout(SECONDS):
                    return await self._post(client, telling)
            except TimeoutError:
                return Told(telling, f"no answer within {SECONDS} seconds")
            except Refused as refused:
                return Told(telling, str(refused))
            except Exception as error:  # noqa: BLE001 - whatever a receiver does costs its own event a try, no more
                return Told(telling, f"{type(error).__name__}: {error}".removesuffix(": "))

    async def _post(self, client: httpx.AsyncClient, telling: Telling) -> Told:
        book.check_url(telling.url)
        url = httpx.URL(telling.url)
        # To the very address that was looked at: a name may mean another one a moment later.
        address = await self._address(url.host, url.port or (443 if url.scheme == "https" else 80))
        secret = self._vault.unlock(telling.secret)
        request = client.build_request(
            "POST",
            url.copy_with(host=str(address)),
            content=telling.body,
            headers={
                "host": url.netloc.decode(),
                "content-type": "application/json",
                "user-agent": "Fermata",
                "fermata-event-id": str(telling.id),
                "fermata-signature": delivering.sign(secret, telling.body, now=self._clock()),
            },
            extensions={"sni_hostname": url.host},
        )
        answer = await client.send(request, stream=True)
        try:
            with suppress(httpx.HTTPError):  # its words do not matter, so a bit of them is enough
                async for part in answer.aiter_raw(READ_BYTES):
                    if part:
                        break
        finally:
            await answer.aclose()
        fault = None if answer.is_success else f"it answered {answer.status_code}"
        return Told(telling, fault, answer.status_code)

    async def _address(self, host: str, port: int) -> Address:
        """Give where a host is; raises Refused where that is inside our own network, which nobody may look into."""
        try:
            addresses = [ipaddress.ip_address(host.strip("[]"))]
        except ValueError:
            name = "127.0.0.1" if host == "localhost" else host
            found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
            addresses = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
        if not (self._may_be_private or book.is_this_machine(host) or all(map(is_public, addresses))):
            raise Refused("The address is inside a private network; FERMATA_HOOKS_PRIVATE=1 allows that.")
        return addresses[0]


def is_public(address: Address) -> bool:
    """Say whether an address is of the public internet, also where it is an IPv4 one in the dress of IPv6."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast
