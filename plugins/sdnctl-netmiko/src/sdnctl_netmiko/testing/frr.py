"""A real FRRouting in a network namespace of its own, reached through a real sshd whose only command is vtysh."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from sdnctl.southbound.base import Target
from sdnctl_netmiko.platform import BUILT_IN
from sdnctl_netmiko.testing.sshd import PASSPHRASE, Sshd

HELPER = BUILT_IN / "frr-reload" / "device" / "sdnctl-frr"
DAEMONS = ("zebra", "pbrd")
DAEMON_SCRIPT = 'mount --bind "$1" /var/tmp && shift && exec "$@"'
"""FRR keeps records for a crash below /var/tmp: here in a folder of the test, for `ip netns exec` mounts apart."""
CUSTOMERS = ("eth1", "eth2", "eth3", "eth4")
UPLINK = "eth9"
SECRETS = {"FRR_PASSPHRASE": PASSPHRASE}
"""The variable of the environment that targets take the passphrase of the key from."""
STARTUP = f"""\
frr defaults traditional
service integrated-vtysh-config
!
interface {UPLINK}
 description to cabinet X
exit
!
"""


def frr_missing() -> str:
    """Why real FRRouting cannot be used here, or an empty string."""
    if os.geteuid() != 0:
        return "not root"
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/lib/frr"
    for tool in ("zebra", "pbrd", "vtysh", "frr-reload.py", "sshd", "ssh-keygen", "ip"):
        if shutil.which(tool, path=path) is None:
            return f"{tool} is not installed"
    return ""


class Frr:
    """Daemons, their folders and the server. `helper`: sshd runs our ``sdnctl-frr``, not vtysh alone."""

    def __init__(self, folder: Path, name: str, helper: bool = False) -> None:
        self.folder = folder
        self._namespace = name
        self.run_dir, self.config, self.scratch = folder / "run", folder / "etc", folder / "var-tmp"
        for path in (folder, self.run_dir, self.config, self.scratch):
            path.mkdir(exist_ok=True)
            shutil.chown(path, "frr", "frr")
        (self.config / "vtysh.conf").write_text("service integrated-vtysh-config\n")
        self._make_ports()
        (self.config / "frr.conf").write_text(STARTUP)
        self.start()
        self.vtysh("write memory")
        self._first, self._clean = self.startup, self.running()
        command = " ".join(self.vtysh_command)
        if helper:
            command = f"env SDNCTL_FRR_CONF={self._helper_settings()} {HELPER}"
        self.sshd = Sshd(_made(folder / "ssh"), f"exec {command}")

    @property
    def vtysh_command(self) -> list[str]:
        return ["vtysh", "--vty_socket", str(self.run_dir), "--config_dir", str(self.config)]

    def _helper_settings(self) -> Path:
        state = _made(self.folder / "state")
        file = self.folder / "sdnctl-frr.conf"
        file.write_text(f"STATE={state}\nVTYSH_OPTIONS='{' '.join(self.vtysh_command[1:])}'\n"
                        f"RELOAD_OPTIONS='{' '.join(self._reload_options)}'\n")  # fmt: skip
        return file

    @property
    def _reload_options(self) -> list[str]:
        return ["--bindir", "/usr/bin", "--confdir", str(self.config), "--rundir", str(self.run_dir),
                "--vty_socket", str(self.run_dir)]  # fmt: skip

    def vtysh(self, *commands: str) -> str:
        """What somebody at the console types and sees."""
        words = [word for command in commands for word in ("-c", command)]
        return run(*self.vtysh_command, *words)

    def running(self) -> str:
        return self.vtysh("show running-config")

    @property
    def startup(self) -> str:
        return (self.config / "frr.conf").read_text()

    def reload(self, *options: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """FRR's own comparison of the running configuration with `text`, or with the startup configuration."""
        file = self.config / "frr.conf"
        if text is not None:
            file = self.folder / "wanted.conf"
            file.write_text(text)
        command = [
            "/usr/lib/frr/frr-reload.py",
            *options,
            "--stdout",
            "--log-level",
            "error",
            *self._reload_options,
        ]
        command.append(str(file))
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def target(self, device: str, **options: str) -> Target:
        """How the inventory would name it: secrets by reference, the host key by fingerprint."""
        given = {
            "platform": "frr",
            "uplink": UPLINK,
            "username": "root",
            "key": f"file:{self.sshd.key}",
            "passphrase": "env:FRR_PASSPHRASE",
            "host_key": self.sshd.fingerprint,
            "timeout": "20",
            **options,
        }
        return Target(device, f"ssh://127.0.0.1:{self.sshd.port}", options=given)

    def start(self) -> None:
        """Boot: what is running is what the startup configuration says."""
        for daemon in DAEMONS:
            run("ip", "netns", "exec", self._namespace, "sh", "-c", DAEMON_SCRIPT, "sh", str(self.scratch),
                f"/usr/lib/frr/{daemon}", "-d", "-P", "0",
                "-f", str(self.config / f"{daemon}.conf"), "-i", str(self.run_dir / f"{daemon}.pid"),
                "--vty_socket", str(self.run_dir), "-z", str(self.run_dir / "zserv.api"),
                "--log", f"file:{self.run_dir}/{daemon}.log")  # fmt: skip
        run(*self.vtysh_command, "-b")

    def factory(self) -> None:
        (self.config / "frr.conf").write_text(self._first)

    def crash(self) -> None:
        """Power off: nothing is saved, sessions hang."""
        for daemon in DAEMONS:
            file = self.run_dir / f"{daemon}.pid"
            pid = int(file.read_text())
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            while Path(f"/proc/{pid}").exists() and _state(pid) != "Z":
                time.sleep(0.005)
            (self.run_dir / f"{daemon}.vty").unlink(missing_ok=True)

    def reboot(self) -> None:
        self.crash()
        self.start()

    def clean(self) -> None:
        """Make running and startup what they were at the beginning, through FRR itself."""
        self.factory()
        text = self.running()
        if text == self._clean:
            return
        commands = ["configure terminal"]
        for line in text.splitlines():
            if line.startswith("pbr-map "):
                commands.append(f"no {line}")
            elif line.startswith("route-map "):
                commands.append(f"no route-map {line.split()[1]}")
            elif line.startswith("interface "):
                commands.append(line)
            elif line.startswith(" description ") and commands[-1] != f"interface {UPLINK}":
                commands.append("no description")
            elif line.startswith((" pbr-policy ", " ip address ")):
                commands.append(f"no{line}")
        commands += [f"interface {UPLINK}", "description to cabinet X", "exit"]
        self.vtysh(*commands)

    def stop(self) -> None:
        self.sshd.cut()
        self.crash()
        run("ip", "netns", "delete", self._namespace)

    def _make_ports(self) -> None:
        run("ip", "netns", "add", self._namespace)
        for port in (*CUSTOMERS, UPLINK):
            run("ip", "-n", self._namespace, "link", "add", port, "type", "veth", "peer", "name", f"far-{port}")
            for end in (port, f"far-{port}"):
                run("ip", "-n", self._namespace, "link", "set", end, "up")


@contextlib.contextmanager
def running_frr(name: str, helper: bool = False) -> Iterator[Frr]:
    """A router while the block lasts; `name` is that of its network namespace.

    Its folder is one that FRR's own user gets at, which pytest's are not: they are root's alone.
    """
    with tempfile.TemporaryDirectory(prefix=f"{name}-") as folder:
        Path(folder).chmod(0o755)
        router = Frr(Path(folder), name, helper)
        try:
            yield router
        finally:
            router.stop()


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done.stdout


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "Z"
