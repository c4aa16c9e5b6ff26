"""Parts of a controller that plugins bring, through the entry-point group ``sdnctl.parts``.

A part runs only where ``controller: parts:`` in network.yaml names it; its options are strings in the settings,
for the part to read. Like those of the core it knows only the hub, and one that fails is started again.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

from sdnctl.daemon.hub import Part
from sdnctl.errors import Diagnostics, InputError

GROUP = "sdnctl.parts"
PLUGINS = {"snmp-traps": "sdnctl-snmp"}
"""Parts that sdnctl publishes as distributions of their own."""


def plugged(names: Iterable[str], points: Iterable[EntryPoint] | None = None) -> tuple[Part, ...]:
    """The parts of these names; raises InputError with every one that is missing or does not load.

    `points` replaces what is installed, for tests and embedding.
    """
    wanted = tuple(names)
    if not wanted:
        return ()
    table = {point.name: point for point in (entry_points(group=GROUP) if points is None else points)}
    out = Diagnostics()
    found: list[Part] = []
    for name in wanted:
        address = f"controller part {name}"
        if name not in table:
            plugin = PLUGINS.get(name)
            out.error(
                "part-missing",
                f"no part called {name} is installed",
                address=address,
                detail=f"installed: {', '.join(sorted(table)) or 'none'}",
                hint=f"install it: pip install {plugin} (in a checkout: pip install ./plugins/{plugin})"
                if plugin
                else f"install the distribution that brings it through the entry-point group {GROUP}",
            )
            continue
        try:
            found.append(table[name].load()())
        except Exception as fault:  # a plugin may fail in any way
            out.error(
                "part-broken",
                f"the part {name} does not load",
                address=address,
                detail=f"{type(fault).__name__}: {fault}",
            )
    out.raise_if_errors(InputError)
    return tuple(found)
