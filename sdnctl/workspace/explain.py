"""What pydantic's errors mean to the person who wrote the file: code, words and advice."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from ipaddress import ip_network
from typing import Any, TypeAlias

from pydantic_core import ErrorDetails

from sdnctl.document import KeyPath

Known: TypeAlias = Callable[[KeyPath], Sequence[str]]
"""Gives the keys that are allowed in the mapping at a path."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Code and words of one complaint, without its place."""

    code: str
    summary: str
    detail: str = ""
    hint: str = ""


def explain(error: ErrorDetails, path: KeyPath, known: Known) -> Fault:
    """What one error of pydantic means to the person who wrote the file."""
    kind, value = error["type"], error.get("input")
    name = _field_name(path)
    if kind == "extra_forbidden":
        return _unknown_key(path, known(path[:-1]))
    if kind == "missing":
        return Fault("missing-key", f"{name} is missing", hint=f"Add {name}; its form is in the file's schema.")
    message = error["msg"].removeprefix("Value error, ")
    if value is None:
        return Fault(
            "missing-value", f"{name} has no value", detail=f"{message}.", hint="Write a value or delete it."
        )
    if kind == "value_error":
        return _refused(name, value, message)
    if kind == "bool_type":
        return Fault("not-a-boolean", f"{name}: {_shown(value)} is not true or false", hint=_boolean_hint(value))
    if kind in {"string_type", "string_sub_type"} and isinstance(value, bool | int | float):
        what = "truth value" if isinstance(value, bool) else "number"
        return Fault(
            "not-text",
            f"{name}: {_shown(value)} is a {what}, text is wanted",
            hint=f'Put it into quotes: "{_written(value)}".',
        )
    wanted = message[0].lower() + message[1:]
    return Fault(
        "wrong-type" if kind.endswith("_type") else "bad-value",
        f"{name}: {_shown(value)}: {wanted}",
        hint=_value_hint(kind, value, error.get("ctx") or {}),
    )


def _refused(name: str, value: object, message: str) -> Fault:
    """A validator of ours said no; a number without unit has a code of its own."""
    bare = isinstance(value, int | float) and not isinstance(value, bool)
    number = isinstance(value, str) and re.fullmatch(r"\s*[-+]?\d+(\.\d+)?\s*", value) is not None
    if "unit" in message and (bare or number):
        example = re.search(r"'([^']*)'\s*(?:\(|\Z)", message)
        hint = f"Write the number with its unit, such as '{example[1]}'." if example else "Write number and unit."
        return Fault("missing-unit", f"{name}: {message.split(':')[0]}", hint=hint)
    summary, _, advice = message.partition(": write ")
    if not advice:
        return Fault("bad-value", f"{name}: {message}", hint="Correct it; the form is in the file's schema.")
    clock = f"{value} is text here, not minutes or seconds. " if _is_clock(value) and "unit" in message else ""
    return Fault("bad-value", f"{name}: {summary}", hint=f"{clock}Write {advice}.")


def _unknown_key(path: KeyPath, known: Sequence[str]) -> Fault:
    key = str(path[-1]) if path else ""
    close = get_close_matches(key, known, n=1, cutoff=0.6)
    if key == "<<":
        hint = "YAML 1.2 has no merge keys: write the values out."
    elif close:
        hint = f"Did you mean {close[0]}?"
    elif known:
        hint = f"There are: {', '.join(sorted(known))}."
    else:
        hint = "Delete it."
    return Fault("unknown-key", f"{key or 'an empty text'} is not a key that is known here", hint=hint)


def _boolean_hint(value: object) -> str:
    if isinstance(value, str) and value.lower() in {"no", "off", "n", "false", "0"}:
        return "YAML 1.2 has only true and false: write false."
    if isinstance(value, str) and value.lower() in {"yes", "on", "y", "true", "1"}:
        return "YAML 1.2 has only true and false: write true."
    return "Write true or false."


def _prefix_hint(value: object) -> str:
    """Most wrong prefixes are an address with the length of its network: then the network is the hint."""
    try:
        meant = ip_network(str(value), strict=False)
    except ValueError:
        return "Write an address range such as 10.20.0.0/24 or 2001:db8::/64."
    return f"Write the range {meant}, or the one address {str(value).split('/')[0]}/{meant.max_prefixlen}."


def _is_clock(value: object) -> bool:
    """What YAML 1.1 would have read as a number to the base of sixty."""
    return isinstance(value, str) and re.fullmatch(r"\d+:\d+(:\d+)*", value) is not None


def _value_hint(kind: str, value: object, context: Mapping[str, Any]) -> str:
    if "expected" in context:
        close = get_close_matches(str(value), re.findall(r"'([^']*)'", str(context["expected"])), n=1, cutoff=0.5)
        return f"Did you mean {close[0]}?" if close else f"Write one of {context['expected']}."
    if kind == "int_type" and isinstance(value, str):
        if value.lower() in {"yes", "no", "on", "off"}:
            return "Write a whole number."
        if _is_clock(value):
            return f"{value} is text here, not minutes or seconds: write a whole number."
        if re.fullmatch(r"0\d+", value):
            return f"Numbers do not begin with 0: write {int(value)}."
        return "Write a whole number, without quotes."
    if kind in {"tuple_type", "list_type", "dict_type", "model_type", "model_attributes_type"}:
        what = "a mapping (key: value)" if kind.startswith(("dict", "model")) else "a list (- item)"
        return f"Write {what}."
    if kind == "string_pattern_mismatch":
        return "Use letters, digits, '.', '_' and '-', beginning with a letter or digit."
    if kind.startswith("date"):
        return "Write a date like 2026-05-31."
    if kind.startswith("ip_"):
        return _prefix_hint(value)
    return "Correct the value; its form is in the file's schema."


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shown(value: object) -> str:
    """A value short enough for one line."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = repr(value) if isinstance(value, str) else _written(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _field_name(path: KeyPath) -> str:
    """``guarantees.latency``, ``leaves.tags[2]``: from the innermost list item of objects on."""
    text = ""
    for index, part in enumerate(path):
        if isinstance(part, int):
            text = f"{text}[{part}]" if index == len(path) - 1 else ""
        else:
            text = f"{text}.{part}" if text else part
    return text or "the file"
