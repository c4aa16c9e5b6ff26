"""The applied state as a value, and its JSON in snapshots."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from sdnctl.compiler import serialise
from sdnctl.compiler.ir import Baseline, Compiled
from sdnctl.compiler.overlay import pin
from sdnctl.dataplane.values import RuleSet
from sdnctl.errors import Diagnostic, StoreError

FORMAT = 1


@dataclass(frozen=True)
class State:
    """What was applied: the compiled network, and the links the controller treats as failed.

    The groups that watch a failed link are pinned to their bypass, so that a link that flaps moves
    nothing; that is why `rules` is not simply `compiled.rules`.
    """

    compiled: Compiled
    down: frozenset[str] = frozenset()

    @cached_property
    def rules(self) -> Mapping[str, RuleSet]:
        """The rules every switch should hold now, pins included."""
        return pin(self.compiled.rules, self.compiled.topology, self.down)

    @property
    def baseline(self) -> Baseline:
        return self.compiled.baseline

    @cached_property
    def compiled_fingerprint(self) -> str:
        """What a plan names as its target."""
        return serialise.compiled_fingerprint(self.compiled)

    @cached_property
    def fingerprint(self) -> str:
        return hashlib.sha256(dumps(self).encode()).hexdigest()

    def released(self, labels: frozenset[int]) -> State:
        """The same state with these labels out of quarantine: every switch confirmed their deletion."""
        kept = {label: held for label, held in self.baseline.quarantine.items() if label not in labels}
        return replace(self, compiled=replace(self.compiled, baseline=replace(self.baseline, quarantine=kept)))


def dumps(state: State) -> str:
    """JSON with sorted keys: the same state gives the same bytes."""
    document = {
        "format": FORMAT,
        "down": sorted(state.down),
        "compiled": json.loads(serialise.dumps_compiled(state.compiled)),
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def loads(text: str) -> State:
    """Read what `dumps` wrote; raises StoreError when the format is not known or the text is damaged."""
    try:
        document = json.loads(text)
        if document["format"] != FORMAT:
            raise StoreError(
                Diagnostic(
                    "state-format",
                    f"state format {document['format']} is not known to this sdnctl (it knows {FORMAT})",
                    hint="use the sdnctl that wrote it",
                )
            )
        return State(serialise.loads_compiled(json.dumps(document["compiled"])), frozenset(document["down"]))
    except (KeyError, ValueError, TypeError) as error:
        raise StoreError(
            Diagnostic("state-damaged", "a stored state cannot be read", detail=str(error))
        ) from error
