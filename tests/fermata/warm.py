"""A `fermata` whose libraries are loaded already: it forks a process of its own for each command.

Loading takes a second, most commands a tenth of that. What a command sees is what it would see in a shell: its own
process, environment, folder, standard output and exit code.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn


class Warm:
    """A process that runs commands as its children."""

    def __init__(self, root: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fermata.warm"],
            cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, words: list[str], *, environment: dict[str, str], folder: Path) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of `fermata WORDS…`."""
        out, err = folder / ".out", folder / ".err"
        order = {
            "words": words,
            "environment": environment,
            "folder": str(folder),
            "out": str(out),
            "err": str(err),
        }
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        return code, out.read_text("utf-8"), err.read_text("utf-8")

    def close(self) -> None:
        self._process.communicate(timeout=10)


def _become(order: dict) -> NoReturn:
    """Be the command, in a process that was forked for it."""
    from fermata.cli import main

    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    for name, stream in (("out", sys.stdout), ("err", sys.stderr)):
        os.dup2(os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), stream.fileno())
    sys.argv = ["fermata", *order["words"]]
    code = 0
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 70
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _serve() -> None:
    import fermata.cli  # noqa: F401

    for line in sys.stdin:
        answers = os.dup(1)
        child = os.fork()
        if child == 0:
            _become(json.loads(line))
        _, status = os.waitpid(child, 0)
        os.write(answers, f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os.close(answers)


if __name__ == "__main__":
    _serve()
