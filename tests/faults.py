"""Faults that happen to a lab under a controller: seeded, one at a time or two at once, and what must be so after.

Each fault is a method of `Faults` that is told of in `kinds` with its weight. `settle` and `check` are those of
every network under a controller (`settling`).
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from campaign_network import ControllerProcess, lab_of, prefer_switches, switch_pid
from ovs_fixture import tool
from sdnctl_in_process import Net
from settling import PATIENCE, Settling

from sdnctl.lab import netns
from sdnctl.lab.ovslab import OvsLab

DOWN = 2
"""So many links may be cut at the same time, beside those of a dead switch."""


class Faults(Settling):
    """What can happen, and the state that it leaves; `count` of each kind, `notes` of what came of it."""

    def __init__(self, net: Net, controller: ControllerProcess, seed: int) -> None:
        self.lab: OvsLab = lab_of(net)
        super().__init__(net, controller, self.lab)
        self.rng = random.Random(seed)
        self.count: Counter[str] = Counter()
        self._applies: list[subprocess.Popen[str]] = []
        self._works = net.path("topology/maintenance.yaml").read_text(encoding="utf-8")
        self.kinds: dict[str, tuple[int, Callable[[], None]]] = {
            "link cut": (6, self.cut),
            "link healed": (6, self.heal),
            "port flaps": (4, self.flap),
            "switch dies": (2, self.die),
            "switch is back with its rules": (2, self.revive),
            "switch is back empty": (2, self.revive_empty),
            "switch wiped": (2, self.wipe),
            "rules edited by hand": (4, self.edit),
            "all switches start again, empty": (1, self.power_cut),
            "all switches hang": (1, self.hang),
            "controller killed and started": (2, self.kill),
            "controller stands still": (2, self.stand_still),
            "apply": (3, self.apply),
        }

    # ── what happens ─────────────────────────────────────────────────────────────────────────────

    def batch(self, size: int) -> None:
        """So many faults with short pauses, some of them none: two at once."""
        names = list(self.kinds)
        weights = [weight for weight, _ in self.kinds.values()]
        for _ in range(size):
            (name,) = self.rng.choices(names, weights)
            self.kinds[name][1]()
            self.count[name] += 1
            if self.rng.random() < 0.7:
                time.sleep(self.rng.random() * 0.4)

    def cut(self) -> None:
        record = self.lab.down_links
        if len(record) < DOWN + 4 * len(self.lab.dead_nodes):
            self.lab.cut([self.rng.choice(sorted(self.lab.links - record))])
        else:
            self.heal()

    def heal(self) -> None:
        """One link that is cut, or any: healing what is whole changes nothing."""
        self.lab.heal([self.rng.choice(sorted(self.lab.down_links or self.lab.links))])

    def flap(self) -> None:
        """One end of a cable goes down and up, perhaps twice."""
        link = self.rng.choice(sorted(self.lab.links - self.lab.down_links))
        end = self.rng.choice(self.lab.cable(link))
        with netns.Interfaces(self.lab.namespace) as interfaces:
            for _ in range(self.rng.choice((1, 1, 2))):
                interfaces.set_up(end, False)
                time.sleep(self.rng.random() * 0.2)
                interfaces.set_up(end, True)
                time.sleep(self.rng.random() * 0.1)

    def die(self) -> None:
        if self.lab.dead_nodes:
            self.revive()
        else:
            self.lab.kill_switch(self._switch())

    def revive(self) -> None:
        for node in self.lab.dead_nodes:
            self.lab.revive(node)

    def revive_empty(self) -> None:
        node = min(self.lab.dead_nodes, default="")
        if not node:
            self.wipe()
            return
        self.lab.revive(node)
        self._empty(node)

    def wipe(self) -> None:
        self._empty(self._switch())

    def edit(self) -> None:
        """Somebody deletes a rule, changes one, or adds one that looks like ours."""
        node = self._switch()
        lines = [line.strip() for line in self._ofctl(node, "dump-flows", "--no-stats").splitlines()]
        flows = [line for line in lines if "cookie=" in line and "actions=" in line]
        if not flows:
            return
        flow = self.rng.choice(flows)
        match, _, _ = flow.partition(" actions=")
        how = self.rng.choice(("delete", "drop", "add"))
        if how == "delete":
            keys = [item for item in match.replace(", ", ",").split(",") if not item.startswith("cookie=")]
            self._ofctl(node, "--strict", "del-flows", stdin=",".join(keys))
        elif how == "drop":
            self._ofctl(node, "add-flow", stdin=f"{match},actions=drop")
        else:
            cookie = flow.partition("cookie=")[2].partition(",")[0]
            self._ofctl(
                node, "add-flow", stdin=f"table=3,priority=99,cookie={cookie},mpls,mpls_label=77,actions=drop"
            )

    def power_cut(self) -> None:
        """The daemon that all switches are is killed and started: they come back without a rule."""
        os.kill(int(switch_pid(self.lab)), signal.SIGKILL)
        with contextlib.suppress(FileNotFoundError):
            (self.lab.run_dir / "ovs-vswitchd.pid").unlink()
        self.lab.restart_switches()
        prefer_switches(self.lab)

    def hang(self) -> None:
        pid = int(switch_pid(self.lab))
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.2 + self.rng.random())
        os.kill(pid, signal.SIGCONT)

    def kill(self) -> None:
        self.controller.kill()
        self.controller.launch()

    def stand_still(self) -> None:
        self.controller.signal(signal.SIGSTOP)
        time.sleep(0.2 + self.rng.random())
        self.controller.signal(signal.SIGCONT)

    def apply(self) -> None:
        """`sdnctl apply` of the folder with works on another link, which goes on while other things happen."""
        link = self.rng.choice(("", "core-a--pop-north", "core-b--pop-south", "pop-east--pop-north"))
        listed = f"[{{link: {link}, reason: works}}]" if link else "[]"
        text = self._works.replace("out_of_service: []", f"out_of_service: {listed}")
        self.net.path("topology/maintenance.yaml").write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "sdnctl", "-n", str(self.net.folder), "apply", "--yes"]
        pipe = subprocess.PIPE
        self._applies.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=pipe, text=True))

    def _switch(self) -> str:
        """Any that is not dead."""
        return self.rng.choice(sorted(set(self.lab.targets()) - self.lab.dead_nodes))

    def _empty(self, node: str) -> None:
        self._ofctl(node, "del-flows")
        self._ofctl(node, "del-groups")
        self._ofctl(node, "del-meters")

    def _ofctl(self, node: str, *words: str, stdin: str | None = None) -> str:
        options = [word for word in words if word.startswith("--")]
        (verb,) = (word for word in words if not word.startswith("--"))
        command = [tool("ovs-ofctl"), "-O", "OpenFlow13", *options, verb, self.lab.targets()[node]["openflow"]]
        done = subprocess.run(
            [*command, *([stdin] if stdin is not None else [])], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command} {stdin}: {done.stderr}"
        return done.stdout

    # ── what must be so afterwards ───────────────────────────────────────────────────────────────

    def _end_applies(self) -> None:
        """Applies may be refused, because the network changed under their plan; they may not break."""
        for process in self._applies:
            _, said = process.communicate(timeout=PATIENCE)
            assert "Traceback" not in said, said
            self.notes["applies done" if process.returncode == 0 else "applies refused or broken off"] += 1
        self._applies.clear()


def killed_where(net: Net) -> str:
    """What the journal says a controller that was killed was doing."""
    pending = net.pending()
    if pending is None:
        return "nothing begun, or all done"
    with net.open() as context:
        stage = context.store.journal(pending.id)[-1].detail.get("kind") or "begin"
    return f"{pending.summary.split()[0]}: {stage}"


def log_of(place: Path) -> Path:
    """Where a controller writes."""
    return place / "controller.log"
