"""A real OpenSSH server on a loopback port that lets one key in and runs one command."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from sdnctl.southbound.references import fingerprint

PASSPHRASE = "a passphrase, not to be shown"


class Sshd:
    """The server, its host key, a key that it lets in and one that it does not. Needs root for sshd's own sake."""

    def __init__(self, folder: Path, command: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.key, self.stranger = folder / "id", folder / "stranger"
        _keygen(folder / "host")
        _keygen(self.key, PASSPHRASE)
        _keygen(self.stranger, PASSPHRASE)
        (folder / "authorized").write_text((folder / "id.pub").read_text())
        self._config = folder / "sshd_config"
        self._write(folder / "host", command)
        self._process: subprocess.Popen[bytes] | None = None
        Path("/run/sshd").mkdir(exist_ok=True)  # where sshd's unprivileged child lives
        self.start()

    def _write(self, host_key: Path, command: str) -> None:
        self._command = command
        self._config.write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {host_key}\nPidFile none\n"
            f"AuthorizedKeysFile {self.folder}/authorized\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n"
            "PasswordAuthentication no\nKbdInteractiveAuthentication no\nMaxStartups 200\nUseDNS no\n"
            # bash reads ~/.bashrc when sshd starts it, unless it believes to be inside another shell.
            f"SetEnv SHLVL=2\nForceCommand {command}\n"
        )

    @property
    def fingerprint(self) -> str:
        """Of the host key, as the inventory writes it."""
        import base64

        return fingerprint(base64.b64decode((self.folder / "host.pub").read_text().split()[1]))

    def start(self) -> None:
        command = ["/usr/sbin/sshd", "-D", "-f", str(self._config), "-E", str(self.folder / "sshd.log")]
        self._process = subprocess.Popen(command, start_new_session=True)
        wait_for_port(self.port)

    def change_host_key(self) -> None:
        """Somebody else answers at this address."""
        _keygen(self.folder / "other")
        self._write(self.folder / "other", self._command)
        self.restart()

    def give_host_key_back(self) -> None:
        self._write(self.folder / "host", self._command)
        self.restart()

    def restart(self) -> None:
        self.cut()
        self.start()

    def cut(self) -> None:
        """End the server and every session."""
        if self._process is None:
            return
        for pid in self.sessions():
            _end(pid)
        self._process.terminate()
        self._process.wait(10)
        self._process = None

    def sessions(self) -> list[int]:
        """Process ids of everything that the server started, deepest last."""
        if self._process is None:
            return []
        return descendants(self._process.pid)


def descendants(pid: int) -> list[int]:
    """Children of a process, and theirs."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError, ValueError):
            continue  # it ended meanwhile
        if parent == pid:
            found += [int(entry.name), *descendants(int(entry.name))]
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, patience: float = 10.0) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _keygen(path: Path, passphrase: str = "") -> None:
    for file in (path, path.with_name(f"{path.name}.pub")):
        file.unlink(missing_ok=True)
    # One round: the key only lives for a test.
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-a", "1", "-N", passphrase, "-C", "test", "-f", str(path)]
    subprocess.run(command, check=True, capture_output=True)
