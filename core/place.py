"""Where a SQLite file may lie: on a disk of this machine. Over a network two machines can write it at once, and ruin it.

SQLite's WAL needs shared memory, and locks that exclude each other, both of which network file systems only pretend to
have (https://www.sqlite.org/wal.html, https://www.sqlite.org/faq.html#q5).
"""

from __future__ import annotations

import re
from pathlib import Path

from core.errors import Refused

MOUNTS = Path("/proc/self/mountinfo")  # only Linux has it; elsewhere nothing is known, and nothing refused
NETWORK = re.compile(
    r"nfs\d?|cifs|smb\w*|afs|coda|ncpfs|ceph|lustre|beegfs|gpfs|glusterfs"
    r"|fuse\.(sshfs|glusterfs\w*|ceph\w*|s3fs|rclone|gcsfuse|goofys|mountpoint-s3|davfs\w*)"
)
REFUSAL = (
    "The SQLite file lies on a network file system ({kind}), where two machines could write it at once. Put FERMATA_HOME "
    "on a disk of this machine, or use PostgreSQL in FERMATA_DATABASE_URL."
)


def check(path: Path, mounts: str | None = None) -> None:
    """Raise Refused for a file on a network file system; `mounts`: what is mounted, None: as the system says it."""
    if mounts is None:
        mounts = MOUNTS.read_text(errors="replace") if MOUNTS.exists() else ""
    kind = _kind(path.resolve(), mounts)
    if NETWORK.fullmatch(kind):
        raise Refused(REFUSAL.format(kind=kind))


def _kind(path: Path, mounts: str) -> str:
    """Give the kind of file system that a path is on, "" where that is not known (proc(5), mountinfo)."""
    found, deepest = "", -1
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        words = left.split()
        if len(words) < 5 or not right:
            continue
        point = Path(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), words[4]))
        if (
            path.is_relative_to(point) and len(point.parts) >= deepest
        ):  # of two in one place the later one is seen
            found, deepest = right.split()[0], len(point.parts)
    return found
