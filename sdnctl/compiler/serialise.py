"""Compiled networks and baselines as JSON: same value, same bytes; ``"format"`` says which version wrote it.

Format 2 is that of `compiler.compact`; format 1 (objects with field names throughout) is still read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from sdnctl.compiler.codec import Json, canonical, decode
from sdnctl.compiler.compact import read_baseline, read_compiled, write_baseline, write_compiled
from sdnctl.compiler.fingerprints import baseline_fingerprint, compiled_fingerprint, network_fingerprint
from sdnctl.compiler.ir import Baseline, Compiled
from sdnctl.plainjson import parse_json

__all__ = [
    "baseline_fingerprint",
    "compiled_fingerprint",
    "compiled_from_json",
    "compiled_to_json",
    "dumps_baseline",
    "dumps_compiled",
    "loads_baseline",
    "loads_compiled",
    "network_fingerprint",
]

FORMAT = 2

T = TypeVar("T", Baseline, Compiled)


def dumps_compiled(compiled: Compiled) -> str:
    """JSON text of a compiled network."""
    return canonical(compiled_to_json(compiled))


def loads_compiled(text: str) -> Compiled:
    """Read what `dumps_compiled` wrote, also an earlier one; raises ValueError that says what does not fit."""
    return compiled_from_json(parse_json(text))


def compiled_to_json(compiled: Compiled, packed: Json = None) -> Json:
    """The JSON value of a compiled network, for documents that it is a part of."""
    return {"format": FORMAT, "kind": "compiled", "value": write_compiled(compiled, packed)}


def compiled_from_json(document: Json) -> Compiled:
    """Read what `compiled_to_json` made; raises ValueError that says what does not fit."""
    return _read(Compiled, document)


def dumps_baseline(baseline: Baseline) -> str:
    """JSON text of a baseline."""
    return canonical({"format": FORMAT, "kind": "baseline", "value": write_baseline(baseline)})


def loads_baseline(text: str) -> Baseline:
    """Read what `dumps_baseline` wrote, also an earlier one; raises ValueError that says what does not fit."""
    return _read(Baseline, parse_json(text))


_READERS: Mapping[tuple[str, int], Callable[[Json], Any]] = {
    ("baseline", 1): lambda data: decode(Baseline, data),
    ("baseline", 2): read_baseline,
    ("compiled", 1): lambda data: decode(Compiled, data),
    ("compiled", 2): read_compiled,
}


def _read(kind: type[T], document: Json) -> T:
    name = kind.__name__.lower()
    if not isinstance(document, dict) or document.get("kind") != name:
        raise ValueError(f"this is not a {name} document")
    read = _READERS.get((name, document.get("format", 0)))
    if read is None:
        raise ValueError(f"format {document.get('format')} is not known to this sdnctl (it knows 1 to {FORMAT})")
    return cast(T, read(document.get("value")))
