"""The applied state as a value, and its JSON in snapshots."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from sdnctl.compiler import serialise
from sdnctl.compiler.ir import Baseline, Compiled
from sdnctl.compiler.label import settle
from sdnctl.compiler.overlay import pin
from sdnctl.dataplane.attachment import Attachments
from sdnctl.dataplane.pack import pack
from sdnctl.dataplane.serialise import dump_rules, load_rules
from sdnctl.dataplane.values import RuleSet
from sdnctl.errors import Diagnostic, StoreError, brief
from sdnctl.plainjson import parse_json

FORMAT = 1


@dataclass(frozen=True)
class State:
    """What was applied: the compiled network, and the links the controller treats as failed.

    The groups that watch a failed link are pinned to their bypass, so that a link that flaps moves
    nothing; that is why `rules` is not simply `compiled.rules`. `silent` keeps what switches last confirmed that
    did not answer when this state was applied, and what those have that wait for them: the next plan must not
    send traffic to rules that were never got. `doubtful` are those among them that were lost in the middle of a
    change: each may hold something else, and these are the rules it may have instead. `drained` switches carry
    nothing but what begins or ends there.
    """

    compiled: Compiled
    down: frozenset[str] = frozenset()
    silent: Mapping[str, RuleSet] = field(default_factory=dict)
    doubtful: Mapping[str, tuple[RuleSet, ...]] = field(default_factory=dict)
    drained: frozenset[str] = frozenset()

    @cached_property
    def rules(self) -> Mapping[str, RuleSet]:
        """The rules every switch should hold now, pins included."""
        return pin(self.compiled.rules, self.compiled.topology, self.down)

    @cached_property
    def confirmed(self) -> Mapping[str, RuleSet]:
        """The rules every switch is known to have: `rules`, but for what waits for a silent switch."""
        return {**self.rules, **self.silent}

    @property
    def baseline(self) -> Baseline:
        return self.compiled.baseline

    @cached_property
    def compiled_fingerprint(self) -> str:
        """What a plan names as its target."""
        return serialise.compiled_fingerprint(self.compiled, self.packed)

    @cached_property
    def packed(self) -> Any:
        """The compiled rules as they are stored."""
        return pack(self.compiled.rules)

    @cached_property
    def compiled_text(self) -> str:
        """JSON of the compiled network, which is nearly all of the state."""
        return _json(serialise.compiled_to_json(self.compiled, self.packed))

    @cached_property
    def text(self) -> str:
        """JSON with sorted keys: the same state gives the same bytes."""
        return f'{{"compiled":{self.compiled_text},{_json(self._besides)[1:]}'

    def text_after(self, before: State, number: int) -> str:
        """This state as it follows snapshot `number`, which holds `before`: short where only pins differ.

        `Store.content` makes a whole text of it again.
        """
        if self.compiled is not before.compiled:
            return self.text
        return _json({"base": number, **self._besides})

    @property
    def _besides(self) -> dict[str, Any]:
        """What there is beside the compiled network; its keys come after ``compiled``."""
        document: dict[str, Any] = {
            "format": FORMAT,
            "down": sorted(self.down),
            "silent": {switch: dump_rules(rules) for switch, rules in self.silent.items()},
        }
        if self.doubtful:  # rare, and younger than the format
            document["doubtful"] = {
                switch: [dump_rules(rules) for rules in others] for switch, others in self.doubtful.items()
            }
        if self.drained:
            document["drained"] = sorted(self.drained)
        return document

    @cached_property
    def fingerprint(self) -> str:
        """What this state is, whatever it was compiled from: applying the same folder twice gives it twice."""
        start = f'"baseline_fingerprint":"{self.compiled.baseline_fingerprint}"'
        return hashlib.sha256(self.text.replace(start, '"baseline_fingerprint":""', 1).encode()).hexdigest()

    def changed(self, **changes: Any) -> State:
        """This state with other values; what was worked out from what stays the same is not worked out again."""
        state = replace(self, **changes)
        kept = ["packed"] if state.compiled.rules is self.compiled.rules else []
        if state.compiled is self.compiled:
            kept += ["compiled_fingerprint", "compiled_text"]
        state.__dict__.update({name: self.__dict__[name] for name in kept if name in self.__dict__})
        return state

    def based(self, baseline: Baseline) -> State:
        """The same rules, with another start for the next compilation."""
        return self.changed(compiled=replace(self.compiled, baseline=baseline))

    def after(
        self,
        before: State | None,
        observed: Mapping[str, RuleSet | None],
        seen: Mapping[str, RuleSet | None] | None = None,
        doubtful: Mapping[str, tuple[RuleSet, ...]] | None = None,
        attachments: Mapping[str, Attachments | None] | None = None,
    ) -> State:
        """This state as it is once it was applied after another one; `observed` as read back, None for silence.

        What nobody asked is as it was. Numbers that no switch holds any more are free. A switch that did not
        answer has what it had before (what was `seen` when the change began, where it answered then), and some
        that did may wait for it; one that left the topology and did not answer never will. `doubtful`: what
        switches that were lost on the way may have instead. `attachments`: what devices were read to hold.
        """
        holders = {
            switch
            for table in (self.baseline.quarantine, *self.baseline.held.values())
            for switches in table.values()
            for switch in switches
        }
        nodes, devices = self.compiled.topology.nodes, self.compiled.topology.devices
        attached = attachments or {}
        gone = {
            holder
            for holder in holders
            if holder not in nodes
            and holder not in devices
            and observed.get(holder) is None
            and attached.get(holder) is None
        }
        had = dict(before.confirmed) if before is not None else {}
        had |= {switch: rules for switch, rules in (seen or {}).items() if rules is not None}
        unasked = before.silent if before is not None else {}
        silent = {switch: rules for switch, rules in unasked.items() if switch in nodes and switch not in observed}
        silent |= {
            switch: had.get(switch, RuleSet()) if rules is None else rules
            for switch, rules in observed.items()
            if switch in nodes and rules != self.rules.get(switch, RuleSet())
        }
        doubts = {**(before.doubtful if before is not None else {}), **(doubtful or {})}
        doubts = {
            switch: others for switch, others in doubts.items() if switch in nodes and observed.get(switch) is None
        }
        settled = settle(self.baseline, observed, gone, attached)
        if settled == self.baseline and silent == self.silent and doubts == self.doubtful:
            return self
        return self.based(settled).changed(silent=silent, doubtful=doubts)


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def dumps(state: State) -> str:
    """JSON with sorted keys: the same state gives the same bytes."""
    return state.text


def loads(text: str) -> State:
    """Read what `dumps` wrote; raises StoreError when the format is not known or the text is damaged."""
    try:
        document = parse_json(text)
    except ValueError as error:
        raise _damaged(error) from error
    return read(document)


def read(document: Any) -> State:
    """Read the JSON value of a state; raises as `loads` does."""
    try:
        if document["format"] != FORMAT:
            raise StoreError(
                Diagnostic(
                    "state-format",
                    f"state format {brief(repr(document['format']), 40)} is not known to this sdnctl "
                    f"(it knows {FORMAT})",
                    hint="use the sdnctl that wrote it",
                )
            )
        silent = {switch: load_rules(rules) for switch, rules in document["silent"].items()}
        doubtful = {
            switch: tuple(map(load_rules, others)) for switch, others in document.get("doubtful", {}).items()
        }
        compiled = serialise.compiled_from_json(document["compiled"])
        return State(compiled, _names(document["down"]), silent, doubtful, _names(document.get("drained", [])))
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(error) from error


def _names(data: Any) -> frozenset[str]:
    if not isinstance(data, list) or not all(isinstance(name, str) for name in data):
        raise ValueError(f"{data!r} is no list of names")
    return frozenset(data)


def _damaged(error: Exception) -> StoreError:
    hint = "restore the store from a copy, or write the file again with `sdnctl compile -o FILE`"
    return StoreError(Diagnostic("state-damaged", "a stored state cannot be read", detail=brief(error), hint=hint))
