"""Where a use case runs: the network folder, its store, its lab, and the drivers of its devices."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sdnctl.compiler.ir import Baseline, Network
from sdnctl.errors import Diagnostic, Diagnostics, InputError, Source, StoreError
from sdnctl.topology.graph import Topology
from sdnctl.workspace.folder import Loaded, load_network

if TYPE_CHECKING:  # the store, the lab and the drivers cost more to import than a folder to read
    from sdnctl.client.remote import Remote
    from sdnctl.lab import Lab
    from sdnctl.southbound.base import Driver, Target
    from sdnctl.southbound.fleet import Fleet
    from sdnctl.southbound.registry import Registry
    from sdnctl.store.state import State
    from sdnctl.store.store import Snapshot, Store


@dataclass
class Context:
    """One invocation: opened lazily, so that a use case pays only for what it touches.

    `controller_at`: where a running controller is that has the store and the switches: its address, ``auto`` for
    that of the folder, if one runs, ``none`` for whoever is the only one to have them.
    """

    folder: Path
    store_url: str | None = None
    controller_at: str = "none"
    _applied: tuple[Snapshot, State] | None = field(default=None, init=False, repr=False)

    @cached_property
    def loaded(self) -> Loaded:
        """The network folder; raises InputError with every fault in it."""
        return load_network(self.folder)

    @property
    def _store_file(self) -> Path:
        return (self.folder / ".sdnctl" / "store.db").absolute()

    @cached_property
    def controller(self) -> Remote | None:
        """The running controller, if there is one to ask; raises InputError when the one named does not answer."""
        if self.controller_at == "none":
            return None
        from sdnctl.client import find

        return find(self.folder, self.controller_at, lambda: self.author, self.store_url)

    @cached_property
    def store(self) -> Store:
        """The store, made when it is not there yet; the controller's, where one runs."""
        if self.controller is not None:
            from sdnctl.client.store import RemoteStore

            return RemoteStore(self.controller)
        from sdnctl.store.store import Store

        return Store.open(self.store_url or f"sqlite:///{self._store_file}")

    @property
    def has_store(self) -> bool:
        """Whether there can be anything in the store: looking at a folder must not make one."""
        return self.store_url is not None or self._store_file.exists() or self.controller is not None

    def close(self) -> None:
        """Close the store and the connection to the controller, if they were opened."""
        if self.__dict__.get("controller") is not None:
            self.__dict__.pop("controller").close()
        if "store" in self.__dict__:
            self.store.close()
            del self.store

    @cached_property
    def registry(self) -> Registry:
        from sdnctl.southbound.registry import Registry

        return Registry()

    @property
    def lab(self) -> Lab | None:
        from sdnctl.lab import open_lab

        return open_lab(self.folder)

    @cached_property
    def author(self) -> str:
        from sdnctl.store.lease import author

        return os.environ.get("SDNCTL_AUTHOR") or author()

    # ── what was applied ─────────────────────────────────────────────────────────────────────────

    def applied(self) -> tuple[Snapshot, State] | None:
        """The applied state, or None before the first apply."""
        snapshot = self.store.applied() if self.has_store else None
        if snapshot is None:
            return None
        if self._applied is None or self._applied[0] != snapshot:  # what was applied once stays as it is
            from sdnctl.store.state import loads

            self._applied = snapshot, loads(self.store.content(snapshot.id))
        return self._applied

    def keep(self, state: State) -> None:
        """What was applied just now is this state: it need not be read from the store again."""
        snapshot = self.store.applied()
        if snapshot is not None:
            self._applied = snapshot, state

    def need_applied(self) -> tuple[Snapshot, State]:
        applied = self.applied()
        if applied is None:
            raise InputError(
                Diagnostic(
                    "nothing-applied",
                    "nothing has been applied to this network yet",
                    hint="run `sdnctl apply` first",
                )
            )
        return applied

    def network(self, down: frozenset[str] = frozenset(), drained: frozenset[str] = frozenset()) -> Network:
        """What git says, with links that are known to be down and switches that are drained."""
        from dataclasses import replace

        network = self.loaded.network
        topology = network.topology
        return replace(
            network, down=down.intersection(topology.links), drained=drained.intersection(topology.nodes)
        )

    def bound(self) -> Mapping[str, int]:
        """Datapath ids of the devices that were bound to a switch, whatever the inventory says."""
        return self.store.bindings.dpids() if self.has_store else {}

    @cached_property
    def tls(self) -> Mapping[str, str]:
        """Key, certificate and authority for TLS, as `network.yaml` refers to them; may be empty."""
        from sdnctl.workspace.convention import NETWORK
        from sdnctl.workspace.read import read_file

        document = read_file(self.folder, NETWORK, Diagnostics())  # its faults are for who loads the folder
        section = document.value.controller.tls if document is not None else None
        return section.model_dump(mode="json") if section is not None else {}

    # ── devices ──────────────────────────────────────────────────────────────────────────────────

    def targets(self, topology: Topology) -> Mapping[str, Mapping[type[Driver], Target]]:
        """Device → driver class → target. A running lab stands in for the addresses in equipment.yaml."""
        from sdnctl.southbound.base import Target

        lab = self.lab
        stand_in = lab.targets() if lab is not None else {}
        simulated = lab.devices() if lab is not None else None
        bound = self.bound()
        table: dict[str, dict[type[Driver], Target]] = {}
        for node in topology.nodes.values():
            addresses = stand_in.get(node.id, {}) if lab is not None else node.drivers
            table[node.id] = {
                self.registry.load(name): Target(
                    node.id,
                    address,
                    bound.get(node.id, node.dpid),
                    self.tls if address.startswith("ssl:") else {},
                )
                for name, address in sorted(addresses.items())
                if lab is None or self.registry.has(name)
            }
        for device in topology.devices.values():
            addresses = device.drivers if simulated is None else simulated.get(device.id, {})
            options = self._options(device.options) if simulated is None else {}
            table[device.id] = {
                self.registry.load(name): Target(device.id, address, options=options)
                for name, address in sorted(addresses.items())
            }
        return table

    def _options(self, options: Mapping[str, str]) -> Mapping[str, str]:
        """Options of a device; files that references name are looked for from the network folder."""
        found = dict(options)
        for name, value in options.items():
            if value.startswith("file:") and not Path(value.removeprefix("file:")).is_absolute():
                found[name] = f"file:{(self.folder / value.removeprefix('file:')).absolute()}"
        return found

    def fleet(self, topology: Topology, before: Topology | None = None) -> Fleet:
        """The devices of a topology, and those that were in the one `before` and are to be cleared."""
        targets = {**(self.targets(before) if before is not None else {}), **self.targets(topology)}
        if self.controller is not None:
            from sdnctl.client.fleet import RemoteFleet

            return RemoteFleet(self.controller, targets)
        from sdnctl.southbound.fleet import Fleet

        return Fleet(targets)


def baseline_of(context: Context, choice: str) -> tuple[Baseline, State | None]:
    """The baseline a compilation starts from: ``store`` (what was applied), ``none``, or a file of a state."""
    if choice == "none":
        return Baseline(), None
    if choice == "store":
        applied = context.applied()
        return (Baseline(), None) if applied is None else (applied[1].baseline, applied[1])
    from sdnctl.store.state import loads

    path = Path(choice)
    try:
        state = loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            Diagnostic(
                "baseline-unreadable",
                f"the baseline {choice} cannot be read",
                detail=str(error),
                hint="give store, none, or a file that `sdnctl compile -o` wrote",
            )
        ) from error
    except StoreError as error:
        raise StoreError(*(replace(one, source=Source(choice)) for one in error.diagnostics)) from error
    return state.baseline, state
