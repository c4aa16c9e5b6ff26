"""What a killed `lab up` leaves running is ended by name of program and key of the lab; nothing else is."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from sdnctl.lab import orphans

OURS, OTHER = f"{os.getpid():08x}", f"{os.getpid() + 1:08x}"


@contextmanager
def running(program: str, word: str) -> Iterator[subprocess.Popen[bytes]]:
    """A shell that waits, and looks like another program with an argument."""
    command = [program, "-c", "echo ready; read line", word]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, executable="/bin/sh", stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            yield process
        finally:
            process.stdin.close()
            process.wait(10)


def test_only_programs_of_this_lab_are_ended() -> None:
    with ExitStack() as stack:
        ours = [
            stack.enter_context(running("/usr/sbin/ip", f"sdnctl-town-{OURS}-hosts")),
            stack.enter_context(running("ovsdb-server", f"--log-file=/run/sdnctl/{OURS}/ovsdb-server.log")),
        ]
        others = [
            stack.enter_context(running("/usr/sbin/ip", f"sdnctl-town-{OTHER}")),
            stack.enter_context(running("less", f"/run/sdnctl/{OURS}/ovsdb-server.log")),
        ]
        assert orphans.end(OURS)
        assert [one.wait(10) for one in ours] == [-signal.SIGKILL] * 2
        assert [one.poll() for one in others] == [None, None]
        assert not orphans.end(OURS)
