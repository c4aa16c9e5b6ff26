"""The command line: parse, call one use case, render. The only place that prints or exits."""

from __future__ import annotations

import atexit


def main() -> None:
    """Entry point of the ``sdnctl`` command."""
    code: list[int] = []
    atexit.register(_leave, code)  # before anything else is, so that it is called after everything else

    from sdnctl.cli.app import run

    try:
        run()
    except SystemExit as end:
        if isinstance(end.code, int):
            code.append(end.code)
        raise


def _leave(code: list[int]) -> None:
    """End the process where Python would begin to free each object that it holds.

    Threads were waited for and exit handlers called by then. A whole network is half a million objects, and
    freeing them takes longer than resolving all intents. Without an exit code (an exception nobody caught), or
    with a stream that cannot be flushed, Python goes on and says what is wrong.
    """
    import os
    import sys

    if code:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code[0])
