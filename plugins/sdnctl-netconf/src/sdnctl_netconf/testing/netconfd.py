"""A real netconfd (yuma123) behind a real sshd, both ended by pid.

Each connection is handed to an `sshd -i` of its own, in a mount namespace where one more account has a password.
So nothing of this machine is changed, the test holds every connection, and can cut it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from sdnctl.southbound.base import Target
from sdnctl_netconf.testing.outside import ACCOUNT, BASE, GID, HEAD, UID, Outside, Refused

PASSWORD = "pa ss\"wörd<&'7"
WRONG = "Wr0ng-p4ssw0rd"
PORTS = ("eth1", "eth2", "eth3", "eth4")
UPLINK = "eth9"
YANG = Path(__file__).parent.parent / "yang"
EMPTY = "".join(
    f"<interface><name>{port}</name><type>ianaift:ethernetCsmacd</type></interface>" for port in (*PORTS, UPLINK)
)
SSHD_SCRIPT = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mkdir -p /run/sshd
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/shadow" /etc/shadow
exec /usr/sbin/sshd -i -e -f "$1/sshd_config"
"""
"""One sshd that knows the test's account, in mounts of its own: entering those of others would leave a chroot."""


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


def wait_until(true: Callable[[], object], what: str, *, patience: float = 10.0, every: float = 0.01) -> None:
    until = time.monotonic() + patience
    while not true():
        assert time.monotonic() < until, f"not in {patience:g} s: {what}"
        time.sleep(every)


class Door:
    """A TCP port on loopback; `serve` gets each connection. It can be shut, and opened again."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self._serve = serve
        self._listener: socket.socket | None = None
        self._connections: list[socket.socket] = []
        self.port = 0
        self.open()

    def open(self) -> None:
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port))
            self.port = self._listener.getsockname()[1]
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def shut(self) -> None:
        """Refuse new connections and break the others."""
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.hang_up()

    def hang_up(self) -> None:
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._connections.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            self._serve(connection)


class Netconfd:
    """netconfd and sshd in a folder, as the tests see them from outside the driver."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "ncx.sock"
        self.startup = folder / "startup.xml"
        self.log = folder / "netconfd.log"
        self._sshds: list[subprocess.Popen[bytes]] = []
        self.door = Door(self._sshd)
        self.port = self.door.port
        self._write_ssh()
        self._netconfd: subprocess.Popen[bytes] | None = None
        self._outside: Outside | None = None
        self.startup.write_text(f'<config xmlns="{BASE}">{HEAD}{EMPTY}</interfaces></config>')
        os.chown(self.startup, UID, GID)
        shutil.copytree(YANG, folder / "yang")  # a checkout may be where netconfd's account may not look
        self.start()

    # ── netconfd ─────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        self.socket.unlink(missing_ok=True)
        self._netconfd = subprocess.Popen(
            [
                "/usr/sbin/netconfd",
                f"--ncxserver-sockname={self.socket}",
                f"--port={self.port}",
                f"--superuser={ACCOUNT}",
                f"--startup={self.startup}",
                f"--modpath={self.folder / 'yang'}:/usr/share/yuma/modules",
                "--module=ietf-interfaces",
                "--module=iana-if-type",
                "--module=sdnctl-attachments",
                f"--log={self.log}",
                "--log-level=debug",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
            env={"HOME": str(self.folder), "PATH": "/usr/sbin:/usr/bin"},
            user=UID,
            group=GID,
            extra_groups=[],
        )
        wait_until(self._listens, "netconfd listens")

    def _listens(self) -> bool:
        assert self._netconfd is not None
        assert self._netconfd.poll() is None, f"netconfd ended: {self.log.read_text(errors='replace')[-2000:]}"
        return self.socket.exists()

    def kill(self) -> None:
        """End netconfd without any warning, as a power failure does; its startup configuration stays.

        netconfd writes that over the old one, and starts no more where half of it is there. No driver can help it,
        so the end comes at any moment but these.
        """
        if self._outside is not None:
            self._outside.close()
            self._outside = None
        assert self._netconfd is not None
        if self._netconfd.poll() is None:
            wait_until(self._stops_between_writes, "netconfd's files are whole", every=0)
        self._netconfd.kill()
        self._netconfd.wait()

    def _stops_between_writes(self) -> bool:
        assert self._netconfd is not None
        self.pause(True)
        os.waitid(os.P_PID, self._netconfd.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        whole = self._saved_is_whole()
        if not whole:
            self.pause(False)
        return whole

    def _saved_is_whole(self) -> bool:
        counter = self.folder / ".yuma" / "startup-cfg-txid.txt"
        try:
            ET.parse(self.startup)
            return not counter.exists() or counter.read_text().strip().isdigit()
        except ET.ParseError:
            return False

    def pause(self, paused: bool) -> None:
        assert self._netconfd is not None
        self._netconfd.send_signal(signal.SIGSTOP if paused else signal.SIGCONT)

    def session(self) -> Outside:
        """Another session of somebody else."""
        return Outside(self.socket, self.port, self.folder)

    @property
    def outside(self) -> Outside:
        """One session of somebody else that stays open."""
        if self._outside is None:
            self._outside = self.session()
        return self._outside

    def empty(self) -> None:
        """Bring the device to its first state; a lock that somebody left behind makes this fail."""
        assert self._netconfd is not None
        if self._netconfd.poll() is not None:
            self.start()
        with contextlib.suppress(Refused):
            self.outside.rpc("<cancel-commit><persist-id>sdnctl sw-school</persist-id></cancel-commit>")
        self.outside.rpc("<discard-changes/>")
        self.outside.commit(f'{HEAD.removesuffix(">")} nc:operation="replace">{EMPTY}</interfaces>')

    # ── sshd ─────────────────────────────────────────────────────────────────────────────────────

    def _write_ssh(self) -> None:
        for name in ("host", "other", "user", "stranger"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(self.folder / name))
        hashed = run("openssl", "passwd", "-6", PASSWORD).strip()
        passwd, shadow = Path("/etc/passwd").read_text(), Path("/etc/shadow").read_text()
        (self.folder / "passwd").write_text(f"{passwd}{ACCOUNT}:x:{UID}:{GID}::{self.folder}:/bin/sh\n")
        (self.folder / "shadow").touch(0o600)
        (self.folder / "shadow").write_text(f"{shadow}{ACCOUNT}:{hashed}:19000:0:99999:7:::\n")
        (self.folder / "password").write_text(PASSWORD + "\n")
        (self.folder / "wrong").write_text(WRONG + "\n")
        self.present("host")

    def present(self, key: str) -> None:
        """Let sshd have this host key from now on."""
        (self.folder / "sshd_config").write_text(
            f"""\
HostKey {self.folder}/{key}
PidFile none
UsePAM no
StrictModes no
UseDNS no
KbdInteractiveAuthentication no
AuthorizedKeysFile {self.folder}/user.pub
AllowUsers {ACCOUNT}
Subsystem netconf "/usr/sbin/netconf-subsystem --ncxserver-sockname={self.port}@{self.socket}"
"""
        )

    def fingerprint(self, key: str = "host") -> str:
        text = (self.folder / f"{key}.pub").read_text().split()[1]
        return "SHA256:" + base64.b64encode(hashlib.sha256(base64.b64decode(text)).digest()).decode().rstrip("=")

    def _sshd(self, connection: socket.socket) -> None:
        end = connection.fileno()
        with (self.folder / "sshd.log").open("ab") as log:
            self._sshds.append(
                subprocess.Popen(
                    ["unshare", "-m", "sh", "-c", SSHD_SCRIPT, "sh", str(self.folder)],
                    stdin=end,
                    stdout=end,
                    stderr=log,
                    env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
                )
            )

    def target(self, **options: str) -> Target:
        """The device with a password; other options as keywords, an empty one takes an option away."""
        given = {
            "username": ACCOUNT,
            "password": f"file:{self.folder}/password",
            "host_key": self.fingerprint(),
            "timeout": "10",
            **options,
        }
        chosen = {name: value for name, value in given.items() if value}
        return Target("sw-school", f"ssh://127.0.0.1:{self.port}", options=chosen)

    def end(self) -> None:
        self.kill()
        self.door.shut()
        for process in self._sshds:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def running_netconfd() -> Iterator[Netconfd]:
    """A device while the block lasts.

    Its folder has a short path, because it has a UNIX socket in it, and one that another account can go through.
    """
    folder = Path(tempfile.mkdtemp(prefix="sdnctl-nc-"))
    os.chown(folder, UID, GID)
    folder.chmod(0o755)
    try:
        server = Netconfd(folder)
        try:
            yield server
        finally:
            server.end()
    finally:
        shutil.rmtree(folder)


def named(found: Iterable[str]) -> list[str]:
    """Names of interfaces in order, without the ports that are always there."""
    return sorted(name for name in found if name not in (*PORTS, UPLINK))
