"""JSON Schemas of everything that people write."""

from __future__ import annotations

import difflib
from typing import Any

from sdnctl.errors import Diagnostic, InputError
from sdnctl.workspace.schema import schema, schema_names


def schemas() -> tuple[str, ...]:
    return tuple(schema_names())


def schema_of(name: str) -> dict[str, Any]:
    """The schema of one kind of file; raises InputError for an unknown name."""
    names = schemas()
    if name not in names:
        close = difflib.get_close_matches(name, names)
        raise InputError(
            Diagnostic(
                "no-such-schema",
                f"there is no schema {name!r}",
                hint=f"did you mean {close[0]}?" if close else f"there are: {', '.join(names)}",
            )
        )
    return schema(name)
