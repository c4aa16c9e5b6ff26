"""What V1 proved last, so that the next run over nearly the same rules has little left to do.

A memory is kept by a caller and handed in again. It is never right or wrong, only useful or not: whatever is taken
from it was proven of the same values. A report that is made with it equals one that is made without.
"""

from __future__ import annotations

from dataclasses import replace

from sdnctl.compiler.ir import Settings
from sdnctl.dataplane.values import RuleSet
from sdnctl.topology.graph import Topology
from sdnctl.verify.change import Change, change
from sdnctl.verify.edge import contested
from sdnctl.verify.ground import Given, Ground
from sdnctl.verify.onward import onward
from sdnctl.verify.reading import Forms
from sdnctl.verify.swift import Proven, prove

_EMPTY = RuleSet()


class Memory:
    """Remembers one run: its topology, its rules as they were read, and what was proven of them."""

    def __init__(self) -> None:
        self._ground: Ground | None = None
        self._last: Proven | None = None

    @property
    def last(self) -> Proven | None:
        """What was proven last."""
        return self._last

    def ground(
        self, topology: Topology, settings: Settings, kinds: tuple[str, ...], down: frozenset[str]
    ) -> Ground:
        """The topology with its failures."""
        if self._ground is None or not self._ground.is_of(topology, settings, kinds, down):
            self._ground, self._last = Ground(topology, settings, kinds, down), None
        return self._ground

    def prove(self, given: Given, ground: Ground) -> Proven:
        """Prove what can be proven, from what was proven before where that is possible."""
        last, self._last = self._last, None
        if last is None:
            rules = {
                node: RuleSet(dict(held.flows), dict(held.groups), dict(held.meters))
                for node, held in given.rules.items()
            }
            given = replace(given, rules=rules)  # a caller may go on working on theirs
            forms = {node: _read(ground, node, rules.get(node)) for node in ground.wires.nodes}
            result = prove(given, ground, forms, {node: contested(found) for node, found in forms.items()})
        else:
            result = _again(last, given, ground)
        self._last = result
        return result


def _again(last: Proven, given: Given, ground: Ground) -> Proven:
    """Read what changed, and prove what is new; all of it where the change cannot be followed."""
    rules: dict[str, RuleSet] = {}
    changes: dict[str, Change] = {}
    for node in {**given.rules, **last.given.rules}:
        held, changed = change(last.given.rules.get(node, _EMPTY), given.rules.get(node, _EMPTY))
        if node in given.rules:
            rules[node] = held
        if changed is not None:
            changes[node] = changed
    given = replace(given, rules=rules)
    forms, disputed = dict(last.forms), dict(last.disputed)
    followed = True
    for node in changes.keys() & forms.keys():
        patched = forms[node].patched(changes[node])
        followed = followed and patched is not None
        forms[node] = patched or _read(ground, node, rules.get(node))
        disputed[node] = contested(forms[node], changes[node].ports if patched else None)
    known = changes.keys() <= forms.keys()
    result = onward(last, given, forms, disputed, changes) if followed and known else None
    return result or prove(given, ground, forms, disputed)


def _copy(held: RuleSet) -> RuleSet:
    return RuleSet(dict(held.flows), dict(held.groups), dict(held.meters))


def _read(ground: Ground, node: str, rules: RuleSet | None) -> Forms:
    return Forms(rules or _EMPTY, ground.wires.ports[node], ground.bypass)
