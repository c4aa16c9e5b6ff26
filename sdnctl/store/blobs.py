"""What stands in the store's cells: JSON, compressed; snapshots whole, or as what differs from an earlier one."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import Any

from sdnctl.errors import Diagnostic, StoreError
from sdnctl.plainjson import parse_json
from sdnctl.store.database import damaged

_BASED = '{"base":'
"""How a text begins that says only what differs from another snapshot; no key comes before this one."""


def pack(text: str) -> bytes:
    """A text as its cell holds it."""
    return zlib.compress(text.encode(), 6)


def unpack(blob: bytes | None, what: str) -> str:
    """The text in a cell; StoreError where there is none, or it is damaged."""
    if blob is None:
        raise StoreError(Diagnostic("no-such-record", f"the store holds no {what}", hint="see `sdnctl history`"))
    try:
        return zlib.decompress(blob).decode()
    except (zlib.error, UnicodeDecodeError, TypeError) as error:
        raise damaged(f"{what} in the store", error) from error


def read_object(text: Any, what: str) -> dict[str, Any]:
    """The JSON object in a text of the store; raises StoreError."""
    try:
        found = parse_json(text)
        if not isinstance(found, dict):
            raise TypeError("it is no object")
    except (ValueError, TypeError, AttributeError) as error:
        raise damaged(f"{what} in the store", error) from error
    return found


def whole_text(number: int, cell: Callable[[int], bytes | None]) -> str:
    """The JSON of a snapshot, of which `cell` gives what is stored of any; raises StoreError.

    One that was written as what differs from an earlier one (``base``) is put together with that, through as many
    as follow on each other: all of them have the compiled network of the first.
    """
    text = unpack(cell(number), f"snapshot {number}")
    if not text.startswith(_BASED):
        return text
    changes = found = read_object(text, f"snapshot {number}")
    while text.startswith(_BASED):
        base = found.get("base")
        if type(base) is not int or not 0 < base < number:  # so that a damaged chain has an end
            raise damaged(f"snapshot {number} in the store", f"it follows {base!r}")
        number = base
        text = unpack(cell(number), f"snapshot {number}")
        found = read_object(text, f"snapshot {number}")
    made = {key: value for key, value in found.items() if key == "compiled"} | changes
    del made["base"]
    return json.dumps(made, sort_keys=True, separators=(",", ":"))
