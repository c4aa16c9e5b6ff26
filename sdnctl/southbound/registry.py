"""Drivers by name, found through the entry-point group ``sdnctl.drivers`` of all installed distributions.

Nothing is imported before a driver is asked for, and nothing is global: each `Registry` looks for itself. A plugin
that is missing or does not import is reported with what to do about it and never breaks the others.
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from sdnctl.errors import Diagnostic, InputError
from sdnctl.southbound.base import PAYLOADS, Driver

GROUP = "sdnctl.drivers"
PLUGINS: Mapping[str, str] = {
    "napalm": "sdnctl-napalm",
    "netconf": "sdnctl-netconf",
    "netmiko": "sdnctl-netmiko",
    "ovsdb": "sdnctl-ovsdb",
    "ryu": "sdnctl-ryu",
    "snmp": "sdnctl-snmp",
}
"""Drivers that sdnctl publishes as distributions of their own."""
_METHODS = ("open", "capabilities", "observe", "prepare", "commit", "confirm", "revert", "counters", "close")


@dataclass(frozen=True, slots=True)
class Installed:
    """One driver as `sdnctl drivers` lists it: `status` is ``ok``, or what is wrong with it."""

    name: str
    distribution: str
    version: str
    payload: str
    status: str


@dataclass(frozen=True, slots=True)
class Missing:
    """A driver that sdnctl publishes and that is not here; `install` is the command that brings it."""

    name: str
    distribution: str
    install: str


class Registry:
    """The drivers of this installation, looked up once and imported when first asked for."""

    def __init__(self, points: Iterable[EntryPoint] | None = None) -> None:
        """`points` replaces what is installed, for tests and embedding."""
        self._given = None if points is None else tuple(points)
        self._loaded: dict[str, type[Driver]] = {}

    @cached_property
    def _points(self) -> Mapping[str, tuple[EntryPoint, ...]]:
        table: dict[str, tuple[EntryPoint, ...]] = {}
        for point in self._given if self._given is not None else entry_points(group=GROUP):
            others = table.get(point.name, ())
            if all(_origin(other) != _origin(point) for other in others):  # the same one, twice on sys.path
                table[point.name] = (*others, point)
        return table

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all drivers that are installed, whether they work or not."""
        return tuple(sorted(self._points))

    def has(self, name: str) -> bool:
        """Whether a driver of this name is installed; it may still fail to load."""
        return name in self._points

    def load(self, name: str) -> type[Driver]:
        """The driver class of this name; raises InputError that says what to install or repair."""
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def installed(self) -> tuple[Installed, ...]:
        """All drivers with their state, by name."""
        return tuple(self._describe(name) for name in self.names)

    def missing(self) -> tuple[Missing, ...]:
        """The drivers that sdnctl publishes and that are not installed, by name."""
        lacking = ((name, PLUGINS[name]) for name in sorted(PLUGINS) if not self.has(name))
        return tuple(Missing(name, distribution, install_command(distribution)) for name, distribution in lacking)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────

    def _load(self, name: str) -> type[Driver]:
        points = self._points.get(name, ())
        if not points:
            raise InputError(self._missing(name))
        if len(points) > 1:
            raise InputError(
                Diagnostic(
                    "driver-ambiguous",
                    f"several distributions bring a driver called {name}",
                    address=f"driver {name}",
                    detail=", ".join(f"{_distribution(point)} ({point.value})" for point in points),
                    hint=f"uninstall all but one: pip uninstall {_distribution(points[-1])}",
                )
            )
        (point,) = points
        try:
            driver = point.load()
        except Exception as fault:  # a plugin may fail in any way; it must not take the others along
            raise InputError(self._broken(point, f"{type(fault).__name__}: {fault}")) from fault
        if (lack := _lack(driver, name)) is not None:
            raise InputError(self._broken(point, lack))
        checked: type[Driver] = driver
        return checked

    def _describe(self, name: str) -> Installed:
        point = self._points[name][0]
        version = point.dist.version if point.dist is not None else ""
        try:
            payload, status = str(self.load(name).payload), "ok"
        except InputError as error:
            found = error.diagnostics[0]
            payload, status = "", f"{found.summary}: {found.detail}"
        return Installed(name, _distribution(point), version, payload, status)

    def _missing(self, name: str) -> Diagnostic:
        close = difflib.get_close_matches(name, [*self.names, *PLUGINS], n=1)
        if name in PLUGINS:
            hint = f"install it: {install_command(PLUGINS[name])}"
        elif close:
            hint = f"did you mean {close[0]}?"
        else:
            hint = f"install the distribution that brings it through the entry-point group {GROUP}"
        return Diagnostic(
            "driver-missing",
            f"no driver called {name} is installed",
            address=f"driver {name}",
            detail=f"installed: {', '.join(self.names) or 'none'}",
            hint=hint,
        )

    @staticmethod
    def _broken(point: EntryPoint, detail: str) -> Diagnostic:
        distribution = _distribution(point)
        return Diagnostic(
            "driver-broken",
            f"the driver {point.name} does not load",
            address=f"driver {point.name} ({distribution})",
            detail=detail,
            hint=f"install it again: pip install --force-reinstall {distribution}",
        )


def install_command(distribution: str) -> str:
    """What to type to get a distribution of ours: from the checkout that this package runs from, if it is one."""
    source = Path(__file__).parents[2] / "plugins" / distribution
    return f"pip install {shlex.quote(str(source))}" if source.is_dir() else f"pip install {distribution}"


def _origin(point: EntryPoint) -> tuple[str, str]:
    return point.value, _distribution(point)


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value.partition(":")[0].partition(".")[0]


def _lack(driver: object, name: str) -> str | None:
    """What an object lacks to be a driver class, or None."""
    if not isinstance(driver, type):
        return f"{driver!r} is not a class"
    missing = [method for method in _METHODS if not callable(getattr(driver, method, None))]
    if missing:
        return f"{driver.__qualname__} has no {', '.join(missing)}"
    if getattr(driver, "payload", None) not in PAYLOADS:
        return f"{driver.__qualname__}.payload is none of {', '.join(PAYLOADS)}"
    if getattr(driver, "name", None) != name:
        return f"{driver.__qualname__}.name is {getattr(driver, 'name', None)!r}, not {name!r}"
    return None
