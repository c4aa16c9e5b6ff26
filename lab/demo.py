"""The main job, told in steps: `make demo` on the reference network, `make demo EXAMPLE=small` on twelve switches.

Every step is a command that a user would type; the story adds the traffic and the hand that cuts and meddles.
Works on real Open vSwitch bridges as root, and on the embedded in-memory switches otherwise.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.rule import Rule

from sdnctl.dataplane.values import Flow
from sdnctl.intents.demand import Grade
from sdnctl.lab import Lab, obstacle
from sdnctl.lab.traffic import STAMP_SIZE, Feed, Loss, Stream
from sdnctl.plan.model import Change, Op
from sdnctl.store.state import State
from sdnctl.usecases.consequences import Judge
from sdnctl.usecases.context import Context
from sdnctl.verify.probes import probes

CONSOLE = Console(highlight=False)
RATES = {"small": (500.0, 50.0, 5.0), "reference": (40.0, 10.0, 2.0)}
"""Frames a second of a stream, by what the application may send; few enough for Python on two cores."""


_steps = itertools.count(1)


def say(title: str, text: str = "") -> None:
    CONSOLE.print()
    CONSOLE.print(Rule(f"{next(_steps)}  {title}", align="left", style="cyan"))
    if text:
        CONSOLE.print(text, style="italic")


class Demo:
    """One run of the story in a folder of its own."""

    def __init__(self, folder: Path, example: str) -> None:
        self.folder = folder
        self.example = example
        self.context = Context(folder)
        self.sending: list[Stream] = []

    @property
    def lab(self) -> Lab:
        lab = self.context.lab
        assert lab is not None
        return lab

    @property
    def state(self) -> State:
        return self.context.need_applied()[1]

    def sdnctl(self, *words: str, ok: tuple[int, ...] = (0,)) -> None:
        """Run a command as a user would; a wrong exit code ends the demo."""
        CONSOLE.print(f"$ sdnctl {' '.join(words)}", style="bold green", highlight=False)
        sys.stdout.flush()
        command = [sys.executable, "-m", "sdnctl", "--network", str(self.folder), *words]
        start = time.monotonic()
        code = subprocess.run(command, check=False).returncode
        CONSOLE.print(f"({time.monotonic() - start:.1f} s)", style="dim", justify="right")
        if code not in ok:
            raise SystemExit(f"sdnctl {' '.join(words)} ended with {code}")

    # ── the steps ────────────────────────────────────────────────────────────────────────────────

    def start(self, reason: str) -> None:
        say(
            "A network folder",
            "Plant, switches, endpoints and intents are files; everything else follows from them.",
        )
        if reason:
            CONSOLE.print(f"[yellow]running on the embedded in-memory switches: {reason}[/]")
        self.folder.rmdir()
        CONSOLE.print(f"$ sdnctl init NETWORK --example {self.example}", style="bold green")
        init = [sys.executable, "-m", "sdnctl", "init", str(self.folder), "--example", self.example]
        subprocess.run(init, check=True, stdout=subprocess.DEVNULL)
        self.sdnctl("validate")
        if self.example == "reference":
            self.sdnctl("show", "retention")
        say("Switches", "One real bridge per switch, one veth pair per lit link, one host per customer's port.")
        self.sdnctl("lab", "up")
        say("Plan and apply", "Compiled and proven under every single failure before anything is touched.")
        self.sdnctl("apply", "--yes")
        if self.example == "small":  # on the whole network once is enough: at the end
            say("Verify", "V1 proves the rules that were read back, V2 compares them, V3 sends real frames.")
            self.sdnctl("verify", "--live")

    @property
    def caveat(self) -> str:
        """One software switch process runs all bridges: what holds it up holds all of them up."""
        bridges = len(self.state.compiled.topology.nodes)
        if self.lab.kind != "ovs" or bridges < 50:
            return ""
        return (
            f";\n   the gaps are those of one ovs-vswitchd that is {bridges} switches at once and looks "
            "through all of them when a port changes;\n   those of seven switches are in lab/reports/"
        )

    def streams(self, trunks: frozenset[str]) -> contextlib.ExitStack:
        """A stream for each application that runs on these trunks, of its own frames, within half its rate."""
        compiled, rates = self.state.compiled, RATES[self.example]
        over = {demand for trunk in compiled.trunks if trunk.key in trunks for demand in trunk.demands}
        chosen: dict[str, tuple[Feed, float]] = {}
        for demand in sorted(compiled.demands, key=lambda demand: -demand.cir):
            if demand.id not in over or demand.application in chosen:
                continue
            fitting = (probe for probe in probes((demand,)) if len(probe.frame) >= 60 + STAMP_SIZE)
            probe = min((one for one in fitting if one.positive), key=lambda one: len(one.frame), default=None)
            if probe is not None:
                allowed = demand.cir / 2 / 8 / len(probe.frame)
                feed = Feed(probe.application, probe.port, probe.frame, probe.expected[0][0])
                chosen[demand.application] = feed, next((rate for rate in rates if rate <= allowed), rates[-1])
        self.sending = [
            Stream(self.lab.wire(), feeds, rate)
            for rate in rates
            if (feeds := [feed for feed, own in chosen.values() if own == rate])
        ]
        stack = contextlib.ExitStack()
        for stream in self.sending:
            stack.enter_context(stream)
        return stack

    def stop(self, what: str) -> None:
        self.losses(tuple(loss for stream in self.sending for loss in stream.stop()), what)

    def worst_trench(self) -> tuple[str, frozenset[str]]:
        """The trench whose cut hits most demands though all that asked for protection survive; trunks repaired."""
        compiled = self.state.compiled
        judge = Judge(compiled)
        trunks = {trunk.key: trunk for trunk in compiled.trunks}
        best, scores = frozenset[str](), {"": -1}
        for srlg in compiled.topology.srlgs.values():
            if srlg.kind != "segment" or srlg.nodes:
                continue
            event = judge.event(srlg.links, srlg.nodes)
            hurt = (*event.lost, *event.severed, *event.standby)
            score = sum(len(trunks[key].demands) for key in event.repaired)
            if all(trunks[key].grade is Grade.NONE for key in hurt) and score > max(scores.values()):
                scores[srlg.id], best = score, frozenset(event.repaired)
        return max(scores, key=lambda name: scores[name]), best

    def cut(self) -> str:
        segment, trunks = self.worst_trench()
        say("A digger", f"{segment} is cut while every protected application over it sends.")
        with self.streams(trunks):
            time.sleep(1.0)
            self.sdnctl("lab", "cut", segment)
            time.sleep(1.0)
            self.stop("the switches repaired it themselves; no controller took part" + self.caveat)
        say(
            "The controller",
            "Groups are pinned to their bypass, trunks move to new paths, protection is rebuilt.",
        )
        with self.streams(trunks):
            self.sdnctl("controller", "reconcile")
            self.stop("while trunks moved: make before break")
        return segment

    def picture(self, segment: str) -> None:
        say("On the map", "What the cut takes down and what survives; opens in any browser, without a network.")
        name = f"sdnctl-map-{self.example}.html"
        self.sdnctl("show", "map", "--cut", segment, "-o", str(self.folder.parent / name))
        shutil.move(self.folder.parent / name, name)
        CONSOLE.print(f"  the page is ./{name}")

    def losses(self, losses: tuple[Loss, ...], what: str) -> None:
        for loss in losses:
            colour = "green" if loss.lost_ms <= 150 and not loss.misdelivered else "bold red"
            CONSOLE.print(
                f"  {loss.name:<22} {loss.received}/{loss.sent} packets, [{colour}]{loss.lost} lost, "
                f"gap {loss.lost_ms:.0f} ms[/], {loss.duplicated} twice, {loss.misdelivered} astray"
            )
        CONSOLE.print(f"  ({what})")

    def heal(self, segment: str) -> None:
        say("Mended", "After the hold-down the pins go; trunks stay where they are, the next plan keeps them.")
        self.sdnctl("lab", "heal", segment)
        self.sdnctl("controller", "reconcile")
        if self.example == "small":
            self.sdnctl("plan")

    def meddle(self) -> None:
        say("Somebody meddles", "A rule is deleted and one is added by hand, past sdnctl.")
        node, flow = next(
            (node, flow)
            for node, rules in sorted(self.state.rules.items())
            for flow in rules.flows.values()
            if flow.table == 3 and flow.priority == 100
        )
        if self.lab.kind == "ovs":
            self.by_hand(node, flow)
        else:
            self.in_memory(node, flow)
        self.sdnctl("drift", "--exit-code", ok=(2,))
        self.sdnctl("controller", "reconcile")
        if self.example == "small":  # on the whole network `verify` says it, next
            self.sdnctl("drift", "--exit-code")

    def by_hand(self, node: str, flow: Flow) -> None:
        target = self.lab.targets()[node]["openflow"].removeprefix("unix:")
        label = next(value for name, value, _ in flow.match if name == "mpls_label")
        for command in (
            ["--strict", "del-flows", target, f"table=3,priority=100,mpls,mpls_label={label}"],
            ["add-flow", target, f"cookie={flow.cookie:#x},table=3,priority=7,mpls,mpls_label=15,actions=drop"],
        ):
            CONSOLE.print(f"$ ovs-ofctl {' '.join(command)}".replace(target, node), style="bold magenta")
            subprocess.run(["ovs-ofctl", "-O", "OpenFlow13", *command], check=True)

    def in_memory(self, node: str, flow: Flow) -> None:
        import asyncio

        async def delete() -> None:
            async with self.context.fleet(self.state.compiled.topology) as fleet:
                driver = await fleet.driver(node)
                await driver.commit([Change(Op.DELETE, flow, flow)])
                await driver.confirm()

        CONSOLE.print(f"(a transit rule of {node} is deleted behind sdnctl's back)", style="magenta")
        asyncio.run(delete())

    def finish(self) -> None:
        say(
            "Where things stand",
            "V1 proves the rules read back, V2 compares them, V3 sends real frames; then by owner and place.",
        )
        self.sdnctl("verify", "--live")
        self.sdnctl("status")
        if self.example == "reference":
            self.sdnctl("status", "--by", "tenant")
            self.sdnctl("status", "--by", "area")
        self.sdnctl("history")


@contextlib.contextmanager
def demo(example: str) -> Iterator[Demo]:
    with tempfile.TemporaryDirectory(prefix="sdnctl-demo-") as parent:
        folder = Path(parent) / "network"
        folder.mkdir()
        one = Demo(folder, example)
        try:
            yield one
        finally:
            from sdnctl import lab

            if folder.exists():
                lab.down(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--example", default="reference", choices=("reference", "small"))
    example = parser.parse_args().example
    start = time.monotonic()
    with demo(example) as story:
        hindrance = obstacle()
        story.start(hindrance.summary if hindrance is not None else "")
        segment = story.cut()
        story.heal(segment)
        story.picture(segment)
        story.meddle()
        story.finish()
    CONSOLE.print(f"\nthe whole story took {time.monotonic() - start:.0f} s; nothing of the lab is left")


if __name__ == "__main__":
    main()
