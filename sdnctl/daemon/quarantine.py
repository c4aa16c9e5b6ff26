"""Links and ports that are up and must not be used all the same, because their cables lead elsewhere.

Discovery writes this value; what moves traffic reads it: a link in `links` counts as down whatever its ports say,
and when it leaves the quarantine it counts as one that has just come up (hold-down and all). Customer ports in
`ports` are shut at the switch itself (`Discovery`); they stay shut until somebody releases them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from sdnctl.topology.graph import PortRef

logger = logging.getLogger(__name__)


class Quarantine:
    """What is set apart, and why; one per controller, read and written in the event loop's thread."""

    def __init__(self) -> None:
        self._links: dict[str, str] = {}
        self._ports: dict[PortRef, str] = {}
        self._told: list[Callable[[], None]] = []

    @property
    def links(self) -> Mapping[str, str]:
        """Link → why nothing may be sent over it."""
        return dict(self._links)

    @property
    def ports(self) -> Mapping[PortRef, str]:
        """Customer port → why it is shut."""
        return dict(self._ports)

    def on_change(self, told: Callable[[], None]) -> Callable[[], None]:
        """Call `told` after every change; returns what ends that."""
        self._told.append(told)
        return lambda: self._told.remove(told)

    def set_links(self, links: Mapping[str, str]) -> tuple[frozenset[str], frozenset[str]]:
        """These links are set apart from now on; returns those that came in and those that were let go."""
        came, gone = frozenset(links.keys() - self._links.keys()), frozenset(self._links.keys() - links.keys())
        self._links = dict(links)
        if came or gone:
            self._tell()
        return came, gone

    def add_port(self, port: PortRef, why: str) -> None:
        self._ports[port] = why
        self._tell()

    def release_port(self, port: PortRef) -> None:
        """Whether it was in or not."""
        if self._ports.pop(port, None) is not None:
            self._tell()

    def _tell(self) -> None:
        for told in tuple(self._told):
            try:
                told()
            except Exception:
                logger.exception("a listener of the quarantine failed")
