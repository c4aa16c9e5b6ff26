"""Damage to octets, lines, cells, and trees of JSON and YAML: the same random numbers, the same damage."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

from fuzzing import Case

Mutate = Callable[[Random, Sequence[Case]], Case]
NUMBERS = (0, 1, 2, 3, 4, 7, 8, 15, 16, 63, 64, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000,
           0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF)  # fmt: skip
ODD: tuple[bytes, ...] = (
    b"\x00", b"\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xc3\x28", b"\x1b[31m", b"\x7f",
    "\u2028".encode(), "\u202e".encode(), "\U0001f980".encode(), "é".encode(), b"\r\n", b"\r", b"\n", b"\t",
    b'"', b"'", b"\\", b"\\ud800", b"\\u0000", b",", b";", b":", b"{", b"}", b"[", b"]", b"-", b"&a", b"*a",
    b"!!x", b" ", b"\x85", b"NaN", b"Infinity", b"-0", b"1e999", b"-1", b"9" * 30, b"null",
    b"true", b"x" * 300,
)  # fmt: skip


def damaged(rng: Random, data: bytes, others: Sequence[bytes], words: Sequence[bytes] = ODD) -> bytes:
    """Octets changed, bits flipped, numbers faked, parts cut out, doubled or put in from another, or cut off."""
    made = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 5))):
        at = rng.randrange(len(made) + 1)
        until = at + rng.choice((1, 1, 2, 4, 8, 20, 200))
        kind = rng.randrange(9)
        if kind == 0 and at < len(made):
            made[at] = rng.randrange(256)
        elif kind == 1 and at < len(made):
            made[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            size = rng.choice((1, 2, 4, 8))
            number = rng.choice(NUMBERS) & (1 << 8 * size) - 1
            made[at : at + size] = number.to_bytes(size, rng.choice(("big", "little")))
        elif kind == 3:
            del made[at:until]
        elif kind == 4:
            made[at:at] = made[at:until] * rng.choice((1, 1, 2, 50))
        elif kind == 5:
            made[at:at] = rng.choice(words)
        elif kind == 6:
            made[at:until] = rng.choice(words)
        elif kind == 7:
            other = rng.choice(others)
            begin = rng.randrange(len(other) + 1)
            made[at:until] = other[begin : begin + rng.choice((1, 8, 64, 1000))]
        elif rng.random() < 0.4:
            del made[at:]
    return bytes(made)


def octets(words: Sequence[bytes] = ODD) -> Mutate:
    """Damage to octets of any format; `words` are those that it knows."""

    def mutate(rng: Random, seeds: Sequence[Case]) -> Case:
        name, data = rng.choice(seeds)
        return name, damaged(rng, data, [other for _, other in seeds], words)

    return mutate


# ── lines ────────────────────────────────────────────────────────────────────────────────────────

SCALARS = (
    "", "~", "null", "true", "NO", "12:30", "0", "-1", "1.5", "1e308", "1e999", ".nan", ".inf", "-.inf", "0x10",
    "0o17", "017", "9" * 39, "9" * 5000, "1e-400", "2026-02-30", "10 km", "-5 km", "1e300 km",
    "99999999999 Tbit/s", "0 B", "100 %", "ф", "a b", "a:b", "a:1-999999999", "a:1", "1-144", "[]", "{}", "[[]]",
    "[1, 2", "{a: 1",
    '"\\ud800"', '"\\0"', '"\\x1b[2J"', "'", '"', "|", ">", "|\n  x", "&a b", "*a", "&a [*a]",
    "!!python/object x",
    "!x y", "@x", "%x", "`", "? x", "- - - x", "[" * 60, "{a: " * 60, "[" * 3000, "x" * 70_000, "\u2028", "\x07",
    "\x00", "\ufeff", "2001:db8::/200", "10.0.0.1/33", "02:00:00:00:00:zz", "../../etc/passwd", "file:/dev/zero",
    "<script>",
)  # fmt: skip


def _lines(rng: Random, text: str) -> str:
    """A text whose lines were left out, doubled, moved, indented differently or given other values."""
    lines = text.split("\n")
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(len(lines))
        until = at + rng.choice((1, 1, 1, 2, 5))
        kind = rng.randrange(11)
        line = lines[at]
        if kind == 0:
            del lines[at:until]
            lines = lines or [""]
        elif kind == 1:
            lines[at:at] = lines[at:until] * rng.choice((1, 1, 1, 30))
        elif kind == 2:
            to = rng.randrange(len(lines))
            lines[at], lines[to] = lines[to], line
        elif kind == 3:
            lines[at] = rng.choice(("", " ", "  ", "\t", " " * 200)) + (
                line.lstrip() if rng.random() < 0.5 else line
            )
        elif kind in (4, 5, 6):
            lines[at] = _other_value(rng, line)
        elif kind == 7:
            lines[at] = line.replace(": ", rng.choice((": &a ", ": *a", ":", " : ", ": |", ": !x ", ": - ")), 1)
        elif kind == 8:
            lines[at] = rng.choice(
                ("---", "...", "%YAML 9.9", "# " + "x" * 5000, "<<: *a", "- ", "? ", "a: 1", "}")
            )
        elif kind == 9:
            _, mark, rest = line.partition(":")
            lines[at] = f"{rng.choice(('', ' ', '- '))}{rng.choice(SCALARS)}{mark}{rest}" if mark else line * 2
        else:
            middle = len(line) // 2
            lines[at : at + 1] = [line[:middle], line[middle:]]
    whole = rng.random()
    if whole < 0.01:
        return "\ufeff" + "\n".join(lines)
    return ("\r\n" if whole < 0.03 else "\r" if whole < 0.035 else "\n").join(lines)


def _other_value(rng: Random, line: str) -> str:
    """The line with something else behind a colon or between commas."""
    marks = [at for at, sign in enumerate(line) if sign in ":,[{"]
    if not marks:
        return line[: rng.randrange(len(line) + 1)] + rng.choice(SCALARS)
    at = rng.choice(marks) + 1
    ends = [end for end in (line.find(sign, at) for sign in ",]}") if end >= 0]
    return f"{line[:at]} {rng.choice(SCALARS)}{line[min(ends) :] if ends else ''}"


# ── cells ────────────────────────────────────────────────────────────────────────────────────────

CELLS = (*SCALARS[:40], 'a"b', '"a', '""', "a,b", '"a\nb"', " a ", "\t", "a;b;;c", ";" * 500, "=1+1")


def _cells(rng: Random, text: str) -> str:
    """A table whose rows and columns were left out, doubled, exchanged, or whose cells hold something else."""
    rows = [line.split(",") for line in text.split("\n")]
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(len(rows))
        row = rows[at] = list(rows[at])
        column = rng.randrange(len(row) + 1)
        kind = rng.randrange(9)
        if kind < 3:
            row[column : column + 1] = [rng.choice(CELLS)]
        elif kind == 3:
            del row[column : column + 1]
        elif kind == 4:
            row[column:column] = row[column : column + 1] * rng.choice((1, 1, 500))
        elif kind == 5:
            rows[at:at] = [row] * rng.choice((1, 1, 100))
        elif kind == 6:
            del rows[at]
            rows = rows or [[""]]
        elif kind == 7:
            to = rng.randrange(len(rows))
            rows[at], rows[to] = rows[to], row
        else:
            for one in rows:
                del one[column : column + 1]
    end = rng.choice(("\n",) * 30 + ("\r\n", "\r"))
    return rng.choice(("",) * 30 + ("\ufeff", "\x00", '"')) + end.join(map(",".join, rows))


# ── trees ────────────────────────────────────────────────────────────────────────────────────────

NESTED: Any = []
for _ in range(40):
    NESTED = [NESTED] if _ % 2 else {"a": NESTED}
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 3.5, -0.0, 1e308, 1e15, 2**31, 2**32, 2**53, 2**63, 2**64, 10**30, -(10**30),
    float("nan"), float("inf"), "", "a", "0", "0x0", "0xzz", "-1", "1-999999999", "\ud800", "\x00", "\x1b[2J",
    "\u202e", "é" * 300, "x" * 5000, "../x", [], [[]], [None], [0], [1, 2, 3], ["a", "b"], {}, {"": 0},
    {"id": "a"}, {"a": {"b": []}}, NESTED, [0] * 300, {str(number): number for number in range(50)},
)  # fmt: skip
DEEP = tuple(mark * count for mark in ("[", '{"a":', '[{"a":') for count in (100, 990, 5_000, 100_000))


def altered(rng: Random, tree: Any) -> Any:
    """A tree with one place changed: dropped, doubled, exchanged, renamed, or something else altogether."""
    if isinstance(tree, dict) and tree:
        keys = list(tree)
        key = rng.choice(keys)
        if rng.random() < 0.7 and isinstance(tree[key], dict | list) and tree[key]:
            return {**tree, key: altered(rng, tree[key])}
        made, kind = dict(tree), rng.randrange(6)
        if kind == 0:
            del made[key]
        elif kind == 1:
            made[rng.choice(("", "x", "id", "format", key.upper(), key + "s"))] = made.pop(key)
        elif kind == 2:
            other = rng.choice(keys)
            made[key], made[other] = made[other], made[key]
        elif kind == 3:
            made[rng.choice(("x", "id", "a", "is"))] = rng.choice(VALUES)
        else:
            made[key] = _other(rng, made[key])
        return made
    if isinstance(tree, list) and tree:
        at = rng.randrange(len(tree))
        if rng.random() < 0.7 and isinstance(tree[at], dict | list) and tree[at]:
            return [*tree[:at], altered(rng, tree[at]), *tree[at + 1 :]]
        made_list, kind = list(tree), rng.randrange(6)
        if kind == 0:
            del made_list[at]
        elif kind == 1:
            made_list[at:at] = made_list[at : at + 1] * rng.choice((1, 1, 30))
        elif kind == 2:
            other_at = rng.randrange(len(tree))
            made_list[at], made_list[other_at] = made_list[other_at], made_list[at]
        elif kind == 3:
            made_list[at:at] = [rng.choice(VALUES)]
        else:
            made_list[at] = _other(rng, made_list[at])
        return made_list
    return _other(rng, tree)


def _other(rng: Random, value: Any) -> Any:
    """Another value, often one that is nearly the same."""
    if rng.random() < 0.5:
        if isinstance(value, bool):
            return int(value)
        if isinstance(value, int):
            return rng.choice((value + 1, value - 1, -value, value * 10**9, float(value), str(value), 1 << 70))
        if isinstance(value, float):
            return rng.choice(
                (-value, value * 1e9, int(value) if abs(value) < 1e18 else 0, str(value), value + 1e-9)
            )
        if isinstance(value, str):
            at = rng.randrange(len(value) + 1)
            part = rng.choice(("", " ", "\x00", value, rng.choice(SCALARS)))
            return rng.choice((value[:at], value[at:], [value], value[:at] + part + value[at + 1 :]))
    return rng.choice(VALUES)


def _json(tree: Any) -> bytes:
    return json.dumps(tree, default=str).encode()


def tree_octets(rng: Random, tree: Any, write: Callable[[Any], bytes] = _json) -> bytes:
    """A tree with a few places altered, as JSON; now and then with the same key twice, or far too deep."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        tree = altered(rng, tree)
    data = write(tree)
    odd = rng.random()
    if odd < 0.02:
        at = data.find(b":", rng.randrange(len(data) + 1)) + 1
        return data[:at] + rng.choice(DEEP).encode() + data[at:]
    if odd < 0.05:
        at = data.find(b"{", rng.randrange(len(data) + 1)) + 1
        until = data.find(b",", at) + 1
        return data[:at] + data[at:until] + data[at:]
    return data


def trees(write: Callable[[Any], bytes] = _json, *, raw: float = 0.15) -> Mutate:
    """Damage to JSON documents; `write` makes octets of a tree (and mends its fingerprint, say).

    A share `raw` of the inputs is damaged octet by octet instead.
    """
    known: dict[bytes, Any] = {}

    def mutate(rng: Random, seeds: Sequence[Case]) -> Case:
        name, data = rng.choice(seeds)
        if rng.random() < raw:
            return name, damaged(rng, data, [data])
        if data not in known:
            known[data] = json.loads(data)
        return name, tree_octets(rng, known[data], write)

    return mutate


def texts(edit: Callable[[Random, str], str], *, raw: float = 0.15) -> Mutate:
    """Damage to lines or cells of a text, or octet by octet."""

    def mutate(rng: Random, seeds: Sequence[Case]) -> Case:
        name, data = rng.choice(seeds)
        if rng.random() < raw:
            return name, damaged(rng, data, [data])
        return name, edit(rng, data.decode()).encode("utf-8", "surrogatepass")

    return mutate


def yaml_texts() -> Mutate:
    """Lines of YAML, and (JSON is YAML too) trees of the same files."""
    import yaml

    lines, known = texts(_lines), {}

    def mutate(rng: Random, seeds: Sequence[Case]) -> Case:
        if rng.random() < 0.6:
            return lines(rng, seeds)
        name, data = rng.choice(seeds)
        if data not in known:
            known[data] = yaml.safe_load(data)
        return name, tree_octets(rng, known[data])

    return mutate


def tables() -> Mutate:
    """Rows, columns and cells."""
    return texts(_cells)


def documents() -> Mutate:
    """Lines of a text in any language of lines."""
    return texts(_lines, raw=0.4)


def endless_records(data: bytes) -> Iterator[bytes]:
    """A SQLite file in which a record is said to have 2^49 octets less one: one file for each record of a table.

    A leaf of a table begins with 13 (the first page behind the file's header); 3 octets on is how many cells it
    has, 8 octets on the places of them, and each begins with the length of its record as a number of seven bits
    in an octet (SQLite's file format, 1.6).
    """
    size = int.from_bytes(data[16:18], "big")
    for page in range(0, len(data), size):
        head = page + (100 if page == 0 else 0)
        if data[head] == 13:
            for place in range(head + 8, head + 8 + 2 * int.from_bytes(data[head + 3 : head + 5], "big"), 2):
                cell = page + int.from_bytes(data[place : place + 2], "big")
                yield data[:cell] + b"\xff\xff\xff\xff\xff\xff\x7f" + data[cell + 7 :]
