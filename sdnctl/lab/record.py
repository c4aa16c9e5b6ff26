"""What a folder remembers of its lab: ``.sdnctl/lab.json``, written before anything is made.

The record is enough to take everything down again, whatever instant a crash left behind, and holds which
links are cut and which switches are dead. It is replaced atomically; changes are made under an exclusive lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, ValidationError

from sdnctl.errors import Diagnostic, InputError, brief
from sdnctl.lab.wiring import Wiring
from sdnctl.topology.graph import PortRef

Kind: TypeAlias = Literal["ovs", "memory"]
State: TypeAlias = Literal["starting", "up"]


@dataclass(frozen=True)
class Record:
    """One lab. `key` is derived from the folder's path and names everything the lab owns.

    `run_dir` holds sockets, database and logs (Open vSwitch) or the switches' states (memory); `namespace`
    and `hosts` are network namespaces, "" for the memory kind. `reason` says why a lab asked for as
    *auto* is not on Open vSwitch. `cut` are link ids, `dead` switch ids.
    """

    key: str
    name: str
    kind: Kind
    state: State
    run_dir: str
    namespace: str
    hosts: str
    wiring: Wiring
    reason: str = ""
    cut: frozenset[str] = frozenset()
    dead: frozenset[str] = frozenset()

    def with_state(self, state: State) -> Record:
        return replace(self, state=state)

    @property
    def down_links(self) -> frozenset[str]:
        """Links that carry nothing: cut ones and those of dead switches."""
        lost = {link for link, ends in self.wiring.links.items() if any(end.node in self.dead for end in ends)}
        return self.cut | lost

    @property
    def down_ports(self) -> frozenset[PortRef]:
        """Ports that are shut: both ends of cut links, and every port of a dead switch."""
        ends = {port for link in self.cut for port in self.wiring.links[link]}
        return frozenset(ends | {port for port in self.wiring.interfaces if port.node in self.dead})


def lab_key(folder: Path) -> str:
    """Eight hex digits that stand for this folder on this machine."""
    return hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:8]


def record_path(folder: Path) -> Path:
    return folder / ".sdnctl" / "lab.json"


def load(folder: Path) -> Record | None:
    """The folder's record, or None without a lab; raises InputError when the file is not a lab record."""
    path = record_path(folder)
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(
            Diagnostic("lab-record", f"cannot read {path}: {error.strerror}", hint="check the file's permissions")
        ) from None
    try:
        return _read(text)
    except ValueError as error:
        raise InputError(
            Diagnostic(
                "lab-record",
                f"{path} is not a lab record of this version of sdnctl",
                detail=brief(error),
                hint="'sdnctl lab down' finds what the lab left by the folder's path and removes the record",
            )
        ) from None


def save(folder: Path, record: Record) -> None:
    """Write the record so that a reader sees the old one or the new one, never half of one."""
    path = record_path(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".json.new")
    draft.write_text(_form(record).model_dump_json(indent=1) + "\n", encoding="utf-8")
    os.replace(draft, path)


def remove(folder: Path) -> None:
    path = record_path(folder)
    for file in (path, path.with_suffix(".json.new")):
        file.unlink(missing_ok=True)


@contextlib.contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold the folder's lab for oneself; the lock is on the directory, so that no lock file is left."""
    directory = record_path(folder).parent
    directory.mkdir(parents=True, exist_ok=True)
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def parse_port(text: str) -> PortRef:
    """``pop-gare:3`` → PortRef; raises ValueError."""
    node, separator, port = text.rpartition(":")
    if not separator or not node:
        raise ValueError(f"{text!r} is not switch:port")
    return PortRef(node, int(port))


class _Form(BaseModel):
    """The record as it stands in the file."""

    model_config = ConfigDict(strict=True)

    version: Literal[1]
    key: str
    name: str
    kind: Kind
    state: State
    run_dir: str
    namespace: str
    hosts: str
    reason: str
    cut: tuple[str, ...]
    dead: tuple[str, ...]
    bridges: dict[str, str]
    dpids: dict[str, int]
    interfaces: dict[str, str]
    links: dict[str, tuple[str, str]]
    mtu: dict[str, int]
    access_mtu: int
    edges: tuple[str, ...]


def _form(record: Record) -> _Form:
    wiring = record.wiring
    return _Form(
        version=1,
        key=record.key,
        name=record.name,
        kind=record.kind,
        state=record.state,
        run_dir=record.run_dir,
        namespace=record.namespace,
        hosts=record.hosts,
        reason=record.reason,
        cut=tuple(sorted(record.cut)),
        dead=tuple(sorted(record.dead)),
        bridges=dict(wiring.bridges),
        dpids=dict(wiring.dpids),
        interfaces={str(port): name for port, name in wiring.interfaces.items()},
        links={link: (str(a), str(b)) for link, (a, b) in wiring.links.items()},
        mtu=dict(wiring.mtu),
        access_mtu=wiring.access_mtu,
        edges=tuple(map(str, wiring.edges)),
    )


def _read(text: bytes) -> Record:
    """The record of its text; raises ValueError that says what does not fit."""
    try:
        form = _Form.model_validate_json(text)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        raise ValueError("; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in faults)) from error
    wiring = Wiring(
        bridges=form.bridges,
        interfaces={parse_port(port): name for port, name in form.interfaces.items()},
        links={link: (parse_port(a), parse_port(b)) for link, (a, b) in form.links.items()},
        edges=tuple(parse_port(port) for port in form.edges),
        dpids=form.dpids,
        mtu=form.mtu,
        access_mtu=form.access_mtu,
    )
    return Record(
        key=form.key,
        name=form.name,
        kind=form.kind,
        state=form.state,
        run_dir=form.run_dir,
        namespace=form.namespace,
        hosts=form.hosts,
        wiring=wiring,
        reason=form.reason,
        cut=frozenset(form.cut),
        dead=frozenset(form.dead),
    )
