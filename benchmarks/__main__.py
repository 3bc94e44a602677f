"""`python -m benchmarks [NAME…]`: figures and ratios, measured side by side in one run; never part of the tests."""

from __future__ import annotations

import argparse
from importlib import import_module

from benchmarks import machine

NAMES = {
    "mime": "building one message",
    "poll": "finding what is due",
    "tick": "one sweep of the engine, and with 500 due mails",
    "pipeline": "the whole pipeline beside a raw aiosmtplib loop",
    "plain": "the whole pipeline beside one arq job per step",
    "peers": "the whole pipeline beside Celery and django-post-office",
    "scaling": "several worker processes on one PostgreSQL",
    "endurance": "the size of the sender over very many steps",
    "bulk": "pause, resume and stop of very many leads in one command",
    "digest": "the list of very many paused leads, beside loading them all",
    "acks": "acknowledging clicks and commands of Slack beside a sender at full speed",
    "pause": "a pause from Slack, idle and beside a sender at full speed",
}


def main() -> None:
    """Run the named benchmarks, all of them if none is named."""
    options = _options()
    print(machine.header())
    for name in options.names or NAMES:
        print(f"\n## {name}: {NAMES[name]}\n", flush=True)
        if warning := machine.busy():
            print(warning, flush=True)
        import_module(f"benchmarks.{'bench_mime' if name == 'mime' else name}").main(options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--rounds", type=int, default=3, help="in turns; the median counts")
    parser.add_argument("--count", type=int, help="messages a round")
    parser.add_argument("--connections", type=int, default=10, help="of the mailbox, and of the raw loop")
    parser.add_argument("--big", action="store_true", help="poll, tick: a million enrollments too")
    parser.add_argument("--seconds", type=int, default=60, help="endurance: how long on each database")
    parser.add_argument("--on", dest="databases", action="append", choices=("sqlite", "postgresql"))
    options = parser.parse_args()
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"there is no {', '.join(sorted(unknown))}; choose from {', '.join(NAMES)}")
    options.databases = tuple(options.databases or ("sqlite", "postgresql"))
    return options


if __name__ == "__main__":
    main()
