"""The real command line without starting a process: arguments in; exit code, stdout and stderr out."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from sdnctl.cli.app import run as run_program
from sdnctl.dataplane.values import RuleSet, is_ours
from sdnctl.southbound.embedded import Switchboard
from sdnctl.store.state import State
from sdnctl.usecases.context import Context


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
    def board(self) -> Switchboard:
        return Switchboard(self.folder / ".sdnctl" / "lab")

    @property
    def context(self) -> Context:
        return Context(self.folder, dict(zip(self.options, self.options[1:], strict=False)).get("--store"))

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

    def applied(self) -> State:
        found = self.context.applied()
        assert found is not None
        return found[1]

    # ── what must hold after every apply ─────────────────────────────────────────────────────────

    def assert_exact(self) -> None:
        """Switches hold exactly what was applied, nothing else of ours, and the folder asks for nothing else."""
        wanted = self.applied().rules
        for name, rules in self.ours().items():
            assert rules == wanted.get(name, RuleSet()), f"{name} does not hold what was applied"
        assert self.context.store.pending() is None
        plan = self("plan", "--exit-code")
        assert plan.code == 0, plan.out + plan.err


def new_net(folder: Path, *, lab: bool = True, example: str = "small", slim: bool = True) -> Net:
    """A fresh copy of an example, with embedded switches up; `slim`: four camera demands instead of 24."""
    made = sdnctl("init", folder, "--example", example)
    assert made.code == 0, made.err
    net = Net(folder)
    if slim:
        net.edit("intents/video-protection.yaml", "kind: camera}", "kind: camera, tags: [commune]}")
        net.edit("intents/video-protection.yaml", "kind: recorder}", "kind: recorder, tags: [primary]}")
    if lab:
        net.ok("lab", "up", "--kind", "memory")
    return net


@contextlib.contextmanager
def environment(**values: str) -> Iterator[None]:
    with mock.patch.dict(os.environ, values):
        yield
