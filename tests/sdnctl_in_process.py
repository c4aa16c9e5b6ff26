"""The real command line without starting a process: arguments in; exit code, stdout and stderr out."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from sdnctl.cli.app import run as run_program
from sdnctl.dataplane.values import RuleSet, is_ours
from sdnctl.southbound.embedded import Switchboard
from sdnctl.store.state import State
from sdnctl.store.store import Snapshot
from sdnctl.usecases.context import Context
from sdnctl.verify.probes import judge, probes


@dataclass(frozen=True)
class Result:
    """What one command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found

    @property
    def plain(self) -> str:
        """Stderr without the line breaks of an 80-column terminal."""
        return " ".join(self.err.split())

    def codes(self) -> set[str]:
        """Codes of the diagnostics in a JSON answer."""
        return {item["code"] for item in self.document["diagnostics"]}


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@contextlib.contextmanager
def _stdin(answer: str | None) -> Iterator[None]:
    with mock.patch.object(sys, "stdin", io.StringIO("") if answer is None else _Terminal(answer)):
        yield


def sdnctl(*arguments: object, answer: str | None = None) -> Result:
    """Run ``sdnctl ARGUMENTS`` here. With `answer`, stdin is a terminal on which that is typed."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    argv = ["sdnctl", *map(str, arguments)]
    with (
        mock.patch.object(sys, "argv", argv),
        mock.patch.object(sys.modules["__main__"], "__package__", None),  # or help is that of `python -m pytest`
        _stdin(answer),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            run_program()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    return Result(code, out.getvalue(), err.getvalue())


@dataclass
class Net:
    """A network folder, and its embedded switches."""

    folder: Path
    options: tuple[str, ...] = ()

    def __call__(self, *arguments: object, answer: str | None = None) -> Result:
        return sdnctl("-n", self.folder, *self.options, *arguments, answer=answer)

    def ok(self, *arguments: object) -> Result:
        """Run a command that must succeed."""
        result = self(*arguments)
        assert result.code == 0, f"sdnctl {' '.join(map(str, arguments))}: {result.code}\n{result.out}{result.err}"
        return result

    def json(self, *arguments: object, code: int = 0) -> dict[str, Any]:
        """Run a command with ``--format json``; its document."""
        result = self("--format", "json", *arguments)
        assert result.code == code, f"{arguments}: {result.code}\n{result.out}{result.err}"
        return result.document

    # ── files ────────────────────────────────────────────────────────────────────────────────────

    def path(self, name: str) -> Path:
        return self.folder / name

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text that is in the file exactly once."""
        text = self.path(name).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {name}"
        self.path(name).write_text(text.replace(old, new), encoding="utf-8")

    # ── switches and store, read behind sdnctl's back ────────────────────────────────────────────

    @property
    def log(self) -> Path:
        """What the store writes first: it grows with everything that is kept."""
        return self.folder / ".sdnctl" / "store.db-wal"

    def written(self) -> tuple[int, int]:
        """Octets and time of it: others as soon as something is kept."""
        try:
            found = self.log.stat()
        except FileNotFoundError:
            return 0, 0
        return found.st_size, found.st_mtime_ns

    @property
    def board(self) -> Switchboard:
        return Switchboard(self.folder / ".sdnctl" / "lab")

    @contextlib.contextmanager
    def open(self) -> Iterator[Context]:
        """What a command works with."""
        context = Context(self.folder, dict(zip(self.options, self.options[1:], strict=False)).get("--store"))
        try:
            yield context
        finally:
            context.close()

    def held(self) -> dict[str, RuleSet]:
        """Everything that every switch holds."""
        return {name: self.board.read(name).rules for name in self.board.devices()}

    def ours(self) -> dict[str, RuleSet]:
        return {name: RuleSet.of(filter(is_ours, rules)) for name, rules in self.held().items()}

    def foreign(self) -> dict[str, RuleSet]:
        rules = {
            name: RuleSet.of(item for item in rules if not is_ours(item)) for name, rules in self.held().items()
        }
        return {name: found for name, found in rules.items() if len(found)}

    def read_back(self) -> dict[str, RuleSet | None]:
        """Our rules as the devices report them through their drivers, None for a silent one."""
        with self.open() as context:

            async def work() -> dict[str, RuleSet | None]:
                async with context.fleet(context.loaded.network.topology) as fleet:
                    return dict((await fleet.observe()).rule_sets)

            return asyncio.run(work())

    def applied(self) -> State:
        with self.open() as context:
            found = context.applied()
        assert found is not None
        return found[1]

    def pending(self) -> Snapshot | None:
        with self.open() as context:
            return context.store.pending()

    def history(self) -> tuple[Snapshot, ...]:
        with self.open() as context:
            return context.store.history()

    def probe(self) -> None:
        """V3 on the embedded switches: every probe arrives as it should, no forbidden one does."""
        with self.open() as context:
            lab = context.lab
        assert lab is not None
        sent = probes(self.applied().compiled.demands)
        with lab.prober() as prober:
            report = judge(sent, prober.exchange(sent))
        assert report.ok, report.faults[:3]

    # ── what must hold after every apply ─────────────────────────────────────────────────────────

    def assert_exact(self) -> None:
        """Switches hold exactly what was applied, nothing else of ours, and the folder asks for nothing else."""
        state = self.applied()
        assert not state.silent
        wanted = state.rules
        for name, rules in self.ours().items():
            assert rules == wanted.get(name, RuleSet()), f"{name} does not hold what was applied"
        assert self.pending() is None
        plan = self("plan", "--exit-code")
        assert plan.code == 0, plan.out + plan.err


def new_net(folder: Path, *, kind: str = "memory", example: str = "small", slim: bool = True) -> Net:
    """A fresh copy of an example with a lab up (`kind` "" for none); `slim`: four camera demands instead of 24."""
    made = sdnctl("init", folder, "--example", example)
    assert made.code == 0, made.err
    net = Net(folder)
    if slim:
        net.edit("intents/video-protection.yaml", "kind: camera}", "kind: camera, tags: [commune]}")
        net.edit("intents/video-protection.yaml", "kind: recorder}", "kind: recorder, tags: [primary]}")
    if kind:
        net.ok("lab", "up", "--kind", kind)
    return net


class Saved:
    """A network folder as it was, with everything in it, to go back to without applying again."""

    def __init__(self, net: Net, keep: Path) -> None:
        self._net, self._keep = net, keep
        shutil.copytree(net.folder, keep)

    def restore(self) -> Net:
        shutil.rmtree(self._net.folder)
        shutil.copytree(self._keep, self._net.folder)
        return self._net


def big_change(net: Net) -> None:
    """An edit of the small example that needs every stage: paths move, a customer comes, schools go."""
    net.edit("topology/maintenance.yaml", "out_of_service: []", f"out_of_service: {WORKS}")
    with net.path("inventory/endpoints.csv").open("a", encoding="utf-8") as file:
        file.write(CUSTOMER)
    net.edit("intents/enterprise.yaml", "owner: wholesale-desk", f"{CIRCUIT}owner: wholesale-desk")
    net.path("intents/schools.yaml").unlink()
    net.edit("intents/video-protection.yaml", "up: 1.5 Mbit/s", "up: 2.5 Mbit/s")


def with_edit_pending(folder: Path) -> Saved:
    """A network that was applied to embedded switches, with `big_change` pending, to go back to."""
    net = new_net(folder / "net", example="small-links")
    net.ok("apply", "--yes")
    big_change(net)
    return Saved(net, folder / "kept")


@contextmanager
def on_ovs(folder: Path) -> Iterator[Net]:
    """The small example, applied to real switches that end with the block."""
    net = Net(folder)
    assert sdnctl("init", folder).code == 0
    net.ok("lab", "up", "--kind", "ovs")
    try:
        net.ok("apply", "--yes")
        yield net
    finally:
        net.ok("lab", "down")


WORKS = "[{link: core-a--pop-north, reason: works}]"
CUSTOMER = "ent-d1,north,pop-north,30,,,,enterprise,d\nent-d2,east,pop-east,30,,,,enterprise,d\n"
CIRCUIT = "  - {id: customer-d, a: ent-d1, b: ent-d2}\n"
