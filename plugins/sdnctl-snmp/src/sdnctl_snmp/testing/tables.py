"""A simulator of values behind snmpd's `pass_persist`: get and getnext from a file of ``OID type value`` lines.

The file is read for every request, so that a test changes what a device "measures" while the agent runs. The agent
that speaks SNMP is snmpd; this gives it values of tables that no PC has.
"""

from __future__ import annotations

import sys
from pathlib import Path


def parts(oid: str) -> tuple[int, ...]:
    return tuple(int(part) for part in oid.strip(".").split("."))


def table(path: Path) -> dict[tuple[int, ...], tuple[str, str, str]]:
    rows = {}
    for line in path.read_text().splitlines():
        oid, kind, value = line.split(" ", 2)
        rows[parts(oid)] = (oid, kind, value)
    return rows


def main(path: Path) -> None:
    while line := sys.stdin.readline():
        command = line.strip()
        if command == "PING":
            answer = ["PONG"]
        elif command in ("get", "getnext"):
            asked, rows = parts(sys.stdin.readline()), table(path)
            after = sorted(oid for oid in rows if oid > asked)
            found = rows.get(asked) if command == "get" else rows[after[0]] if after else None
            answer = ["NONE"] if found is None else [f".{found[0]}", found[1], found[2]]
        else:
            sys.stdin.readline()
            sys.stdin.readline()
            answer = ["not-writable"]
        sys.stdout.write("\n".join([*answer, ""]))
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
