"""Lets tests reach loopback and nothing else."""

import ipaddress
import socket
from typing import Any

import pytest

_NAMES = {"localhost", "ip6-localhost", "", None}


class NetworkBlockedError(RuntimeError):
    """A test tried to leave this machine."""


def is_local(host: Any) -> bool:
    """True for loopback, in whatever form a socket call takes it."""
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if name in _NAMES:
        return True
    try:
        address = ipaddress.ip_address(str(name).split("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback or address.is_unspecified


def _check(host: Any) -> None:
    if not is_local(host):
        raise NetworkBlockedError(f"tests may not reach {host!r}; only loopback is open")


def _check_address(family: int, address: Any) -> None:
    if family in {socket.AF_INET, socket.AF_INET6}:
        _check(address[0])


def block(patch: pytest.MonkeyPatch) -> None:
    """From here on, connecting, sending and name look-ups beyond loopback raise."""
    real_connect, real_connect_ex, real_sendto = (
        socket.socket.connect,
        socket.socket.connect_ex,
        socket.socket.sendto,
    )
    real_lookup, real_by_name = socket.getaddrinfo, socket.gethostbyname

    def connect(self: socket.socket, address: Any) -> None:
        _check_address(self.family, address)
        real_connect(self, address)

    def connect_ex(self: socket.socket, address: Any) -> int:
        _check_address(self.family, address)
        return real_connect_ex(self, address)

    def sendto(self: socket.socket, data: Any, *rest: Any) -> int:
        _check_address(self.family, rest[-1])
        return real_sendto(self, data, *rest)

    def getaddrinfo(host: Any, *rest: Any, **named: Any) -> Any:
        _check(host)
        return real_lookup(host, *rest, **named)

    def gethostbyname(host: str) -> str:
        _check(host)
        return real_by_name(host)

    patch.setattr(socket.socket, "connect", connect)
    patch.setattr(socket.socket, "connect_ex", connect_ex)
    patch.setattr(socket.socket, "sendto", sendto)
    patch.setattr(socket, "getaddrinfo", getaddrinfo)
    patch.setattr(socket, "gethostbyname", gethostbyname)
