"""Fails where a lock file names an address or a path, or lets a package in without a hash.

Lock files travel: an address in one would send other machines to a registry of ours.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock")
FORBIDDEN = re.compile(
    r"://|file:|--(extra-)?index-url|--find-links|--trusted-host|^\s*-[ef]\s| @ |(^|\s)[~./][\w./-]*/"
)
REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)")


def problems(text: str) -> list[str]:
    """What is wrong with one lock file, one sentence per finding."""
    found = [
        f"line {number} names an address or a path: {line.strip()}"
        for number, line in enumerate(text.splitlines(), 1)
        if FORBIDDEN.search(line.split("#")[0])
    ]
    found += [
        f"line {number} names an address" for number, line in enumerate(text.splitlines(), 1) if "://" in line
    ]
    for block in re.split(r"\n(?=[A-Za-z0-9])", text):
        name = REQUIREMENT.match(block)
        if name and "--hash=sha256:" not in block:
            found.append(f"{name[1]} has no hash")
    return found


def pins(text: str) -> dict[str, str]:
    """The version of each package of a lock file."""
    return {m[1]: m[2] for m in map(REQUIREMENT.match, text.splitlines()) if m}


def main() -> int:
    """0 when both lock files are fit to travel."""
    texts = {name: (ROOT / name).read_text() for name in LOCKS}
    found = [f"{name}: {problem}" for name, text in texts.items() for problem in problems(text)]
    runtime, everything = (pins(texts[name]) for name in LOCKS)
    found += [
        f"{name} is {version} in {LOCKS[0]} and {everything.get(name, 'absent')} in {LOCKS[1]}; run `make lock`"
        for name, version in runtime.items()
        if everything.get(name) != version
    ]
    print(
        "\n".join(found)
        or f"lock files: {len(runtime)} runtime and {len(everything)} packages in all, hashed"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
