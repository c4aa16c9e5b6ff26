"""The command line: parse, call one use case, render. The only place that prints or exits."""

from __future__ import annotations


def main() -> None:
    """Entry point of the ``sdnctl`` command."""
    from sdnctl.cli.app import run

    run()
