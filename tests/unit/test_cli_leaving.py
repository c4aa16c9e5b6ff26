"""The command leaves at once when it is done, and yet nothing is cut off and no code is lost."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import atexit, threading, time
import sdnctl.cli.app as app
from sdnctl.cli import main

def slow():
    time.sleep(0.1)
    print("thread")

def run():
    atexit.register(print, "handler")
    threading.Thread(target=slow).start()
    print("result")
    END

app.run = run
main()
"""


def ended(end: str) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.replace("END", end)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


def test_threads_and_handlers_have_their_say_and_output_arrives() -> None:
    found = ended("raise SystemExit(3)")
    assert (found.returncode, found.stdout.split(), found.stderr) == (3, ["result", "thread", "handler"], "")


def test_nothing_is_freed_one_by_one() -> None:
    found = ended("app.kept = type('Kept', (), {'__del__': lambda self: print('freed')})(); raise SystemExit(0)")
    assert (found.returncode, found.stdout.split()) == (0, ["result", "thread", "handler"])


def test_an_exception_that_nobody_caught_is_told() -> None:
    found = ended("1 / 0")
    assert (found.returncode, found.stdout.split()) == (1, ["result", "thread", "handler"])
    assert "ZeroDivisionError" in found.stderr
