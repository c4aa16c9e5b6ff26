"""The command line as a user without any right: another user id, no capability, a home that is not there.

Run as a program it reads command lines (JSON) from stdin and answers each with exit code, output and errors; all
in one process, because each would import for a second. `Nobody` is the other end. A checkout in a folder of root
is shown to the process elsewhere (a bind mount in a mount namespace of its own); where the interpreter is in
one, the process may read everything (CAP_DAC_READ_SEARCH), and still write nothing.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sdnctl_in_process import Result, sdnctl

UID = 65534
ROOT = Path(__file__).resolve().parent.parent


class Nobody:
    """Runs programs as somebody without rights; `environment` is what they get, and may be changed."""

    def __init__(self) -> None:
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("SDNCTL_", "PYTEST_"))},
            "HOME": "/nonexistent",
            "LC_ALL": "C",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def popen(self, words: Sequence[str], **more: object) -> subprocess.Popen[bytes]:
        command, root = _become(words)
        sources = [root, root / "tests", *(root / one.relative_to(ROOT) for one in ROOT.glob("plugins/*/src"))]
        environment = {**self.environment, "PYTHONPATH": ":".join(map(str, sources))}
        return subprocess.Popen(command, env=environment, cwd="/", **more)  # type: ignore[call-overload, no-any-return]

    def sdnctl(self, *commands: Sequence[object]) -> list[Result]:
        """The results of these commands, one after the other."""
        process = self.popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        asked = json.dumps([[str(word) for word in command] for command in commands])
        out, err = process.communicate(asked.encode(), timeout=120)
        assert process.returncode == 0, err.decode(errors="replace")
        return [Result(*found) for found in json.loads(out)]


def _become(words: Sequence[str]) -> tuple[list[str], Path]:
    """A command as somebody else runs it, and where he finds the checkout."""
    if os.geteuid() != 0:
        return list(words), ROOT  # we are nobody already
    kept = "" if _open_to_all(Path(sys.executable).resolve()) else "+dac_read_search"
    command = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups"]
    command += [f"--inh-caps=-all{',' + kept if kept else ''}", *([f"--ambient-caps={kept}"] if kept else [])]
    if _open_to_all(ROOT):
        return [*command, *words], ROOT
    place = Path(tempfile.mkdtemp(prefix="sdnctl-checkout-", dir="/tmp"))
    place.chmod(0o755)
    atexit.register(place.rmdir)  # empty but in the other's namespace
    shown = [str(place) + word.removeprefix(str(ROOT)) if word.startswith(f"{ROOT}/") else word for word in words]
    mount = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", mount, "-", str(ROOT), str(place), *command, *shown], place


def _open_to_all(path: Path) -> bool:
    return all(part.stat().st_mode & 0o005 == 0o005 for part in (path, *path.parents))


def give(folder: Path) -> None:
    """Make somebody without rights the owner of a folder and of what is in it."""
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, UID, UID, follow_symlinks=False)


if __name__ == "__main__":
    answers = [sdnctl(*command) for command in json.load(sys.stdin)]
    json.dump([(one.code, one.out, one.err) for one in answers], sys.stdout)
