"""The main job on the small network, told in steps: `make demo`.

Every step is a command that a user would type; the story adds the traffic and the hand that cuts and meddles.
Works on real Open vSwitch bridges as root, and on the embedded in-memory switches otherwise.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.rule import Rule

from sdnctl.dataplane.values import Flow
from sdnctl.lab import Lab, obstacle
from sdnctl.lab.traffic import STAMP_SIZE, Feed, Loss, Stream
from sdnctl.plan.model import Change, Op
from sdnctl.store.state import State
from sdnctl.usecases.context import Context
from sdnctl.usecases.labs import elements, hit_by
from sdnctl.verify.probes import probes

CONSOLE = Console(highlight=False)
PPS = 500.0


def say(title: str, text: str = "") -> None:
    CONSOLE.print()
    CONSOLE.print(Rule(title, align="left", style="cyan"))
    if text:
        CONSOLE.print(text, style="italic")


class Demo:
    """One run of the story in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sending: list[Stream] = []

    @property
    def context(self) -> Context:
        return Context(self.folder)

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
        code = subprocess.run(command, check=False).returncode
        if code not in ok:
            raise SystemExit(f"sdnctl {' '.join(words)} ended with {code}")

    # ── the steps ────────────────────────────────────────────────────────────────────────────────

    def start(self, reason: str) -> None:
        say(
            "1  A network folder",
            "Plant, switches, endpoints and intents are files; everything else follows from them.",
        )
        if reason:
            CONSOLE.print(f"[yellow]running on the embedded in-memory switches: {reason}[/]")
        self.folder.rmdir()
        CONSOLE.print("$ sdnctl init NETWORK --example small", style="bold green")
        init = [sys.executable, "-m", "sdnctl", "init", str(self.folder), "--example", "small"]
        subprocess.run(init, check=True, stdout=subprocess.DEVNULL)
        self.sdnctl("validate")
        self.sdnctl("show", "intents")
        say("2  Switches", "One real bridge per switch, one veth pair per lit link, one host per endpoint.")
        self.sdnctl("lab", "up")
        say("3  Plan and apply", "Compiled and proven under every single failure before anybody sees a plan.")
        self.sdnctl("plan")
        self.sdnctl("apply", "--yes")
        say(
            "4  Verify", "V1 proves the rules read back from the switches, V2 compares them, V3 sends real frames."
        )
        self.sdnctl("verify", "--live")

    def streams(self, links: frozenset[str]) -> contextlib.ExitStack:
        """A stream for each application that runs over these links, of its own frames, within half its rate."""
        compiled = self.state.compiled
        over = {demand for trunk in compiled.trunks if links & set(trunk.path.links) for demand in trunk.demands}
        rates = {demand.id: demand.cir for demand in compiled.demands}
        chosen: dict[str, tuple[Feed, float]] = {}
        for probe in sorted(probes(compiled.demands), key=lambda probe: len(probe.frame)):
            if probe.demand in over and probe.positive and len(probe.frame) >= 60 + STAMP_SIZE:
                feed = Feed(probe.application, probe.port, probe.frame, probe.expected[0][0])
                pps = min(PPS, rates[probe.demand] / 2 / 8 / len(probe.frame))
                chosen.setdefault(probe.application, (feed, pps))
        self.sending = [Stream(self.lab.wire(), [feed], pps) for feed, pps in chosen.values()]
        stack = contextlib.ExitStack()
        for stream in self.sending:
            stack.enter_context(stream)
        return stack

    def stop(self, what: str) -> None:
        self.losses(tuple(loss for stream in self.sending for loss in stream.stop()), what)

    def worst_segment(self) -> str:
        """The trench whose cut hits most demands, among those where nothing should be lost."""
        compiled = self.state.compiled
        scores = {}
        for srlg in compiled.topology.srlgs.values():
            if srlg.kind != "segment" or srlg.nodes:
                continue
            hits = hit_by(compiled, srlg.links, srlg.nodes)
            protected = sum(hit.repaired for hit in hits)
            if protected and not any(hit.lost for hit in hits if hit.service_class != "education"):
                scores[srlg.id] = protected
        return max(sorted(scores), key=lambda name: scores[name])

    def cut(self) -> str:
        segment = self.worst_segment()
        links, _ = elements(self.state.compiled.topology, [segment])
        say("5  A digger", f"{segment} is cut while every application over it sends.")
        with self.streams(links):
            time.sleep(1.0)
            self.sdnctl("lab", "cut", segment)
            time.sleep(1.0)
            self.stop("the switches repaired it themselves; no controller took part")
        say(
            "6  The controller",
            "Groups are pinned to their bypass, trunks move to new paths, protection is rebuilt.",
        )
        with self.streams(links):
            self.sdnctl("controller", "reconcile")
            self.stop("while trunks moved: make before break")
        self.sdnctl("verify", "--live")
        return segment

    def losses(self, losses: tuple[Loss, ...], what: str) -> None:
        for loss in losses:
            colour = "green" if loss.lost_ms <= 150 and not loss.misdelivered else "bold red"
            CONSOLE.print(
                f"  {loss.name:<22} {loss.received}/{loss.sent} packets, [{colour}]{loss.lost} lost, "
                f"gap {loss.lost_ms:.0f} ms[/], {loss.duplicated} twice, {loss.misdelivered} astray"
            )
        CONSOLE.print(f"  ({what})")

    def heal(self, segment: str) -> None:
        say("7  Mended", "After the hold-down the pins go; trunks stay where they are, the next plan keeps them.")
        self.sdnctl("lab", "heal", segment)
        self.sdnctl("controller", "reconcile")
        self.sdnctl("plan")

    def meddle(self) -> None:
        say("8  Somebody meddles", "A rule is deleted and one is added by hand, past sdnctl.")
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
        say("9  Where things stand")
        self.sdnctl("verify", "--live")
        self.sdnctl("status")
        self.sdnctl("history")


@contextlib.contextmanager
def demo() -> Iterator[Demo]:
    with tempfile.TemporaryDirectory(prefix="sdnctl-demo-") as parent:
        folder = Path(parent) / "network"
        folder.mkdir()
        one = Demo(folder)
        try:
            yield one
        finally:
            from sdnctl import lab

            if folder.exists():
                lab.down(folder)


def main() -> None:
    start = time.monotonic()
    with demo() as story:
        hindrance = obstacle()
        story.start(hindrance.summary if hindrance is not None else "")
        segment = story.cut()
        story.heal(segment)
        story.meddle()
        story.finish()
    CONSOLE.print(f"\nthe whole story took {time.monotonic() - start:.0f} s; nothing of the lab is left")


if __name__ == "__main__":
    main()
