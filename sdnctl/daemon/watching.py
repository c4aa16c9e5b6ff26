"""The links of a running controller: from what devices report to a `Watch`, to events, and a call when one is due.

Reports are gathered for a few milliseconds, because a cut duct takes many ports at once and each switch says so by
itself; then all of them are one batch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from sdnctl.daemon.events import Kind, Severity
from sdnctl.daemon.hub import Hub
from sdnctl.daemon.links import Happened, Patience, Turn, Watch, dead_switches, links_seen
from sdnctl.southbound.base import PortState
from sdnctl.topology.graph import PortRef, Topology

GATHER = 0.005
"""Seconds from the first report to the end of its batch."""

News: TypeAlias = tuple[float, PortRef | str, bool]
"""When, which port or switch, and whether it is up, or answers, now."""


class LinkWatch:
    """What is known of ports and switches, and of links by that. `due` is called after every batch and release."""

    def __init__(self, hub: Hub, due: Callable[[], None]) -> None:
        self._hub = hub
        self._due = due
        self._loop = asyncio.get_running_loop()
        self._news: list[News] = []
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._forget: list[Callable[[], None]] = []
        self.ports: dict[PortRef, bool] = {}
        self.silent: set[str] = set()
        self.dead: frozenset[str] = frozenset()
        settings = hub.settings
        patience = Patience(settings.hold_down, settings.flap_half_life, settings.flap_limit)
        applied = hub.applied()
        self.watch = Watch.begin(patience, self._loop.time(), applied[1].down if applied is not None else ())

    def start(self) -> None:
        """Follow the fleet from now on, beginning with what it has seen."""
        fleet = self._hub.fleet
        self._forget = [
            fleet.on_port(self._port),
            fleet.on_presence(self._presence),
            self._hub.quarantine.on_change(self.look),
        ]
        for device, counters in fleet.port_states().items():
            if counters is None:
                self._presence(device, False)
            else:
                for state in counters.ports.values():
                    self._port(device, state)

    def stop(self) -> None:
        for forget in self._forget:
            forget()
        for timer in self._timers.values():
            timer.cancel()
        self._forget, self._timers = [], {}

    @property
    def topology(self) -> Topology | None:
        applied = self._hub.applied()
        return applied[1].compiled.topology if applied is not None else None

    # ── what devices say ─────────────────────────────────────────────────────────────────────────

    def _port(self, device: str, state: PortState) -> None:
        self._tell(PortRef(device, state.port), state.up and state.bfd not in {"down", "init"})

    def _presence(self, device: str, up: bool) -> None:
        self._tell(device, up)

    def _tell(self, what: PortRef | str, up: bool) -> None:
        self._news.append((self._loop.time(), what, up))
        self.look()

    def look(self) -> None:
        """Have a batch end soon: there is news of ports, or of what is applied."""
        if "gather" not in self._timers:
            self._timers["gather"] = self._loop.call_later(GATHER, self._digest)

    def _digest(self) -> None:
        """A batch is complete: what follows for the links."""
        self._timers.pop("gather", None)
        news, self._news = self._news, []
        topology = self.topology
        turns: list[Turn] = []
        for when, report in _rounds(news) or [(self._loop.time(), {})]:
            for what, up in report.items():
                if isinstance(what, PortRef):
                    self.ports[what] = up
                elif up:
                    self.silent.discard(what)
                else:
                    self.silent.add(what)
            if topology is not None:
                apart = self._hub.quarantine.links  # their cables lead elsewhere, whatever the ports say
                seen = {
                    link: up and link not in apart
                    for link, up in links_seen(topology, self.ports, self.silent).items()
                }
                self.watch, more = self.watch.observe(when, seen)
                turns += more
        if topology is not None:
            self._mourn(dead_switches(topology, self.ports, self.silent))
        self._publish(turns)
        self._set_alarm()
        self._due()

    def _release(self) -> None:
        self._timers.pop("release", None)
        self.watch, turns = self.watch.release(self._loop.time())
        self._publish(turns)
        self._set_alarm()
        self._due()

    def _set_alarm(self) -> None:
        """Wake up when the next link is due."""
        self._hub.damped = self.watch.damped
        timer = self._timers.pop("release", None)
        if timer is not None:
            timer.cancel()
        wake = self.watch.wake
        if wake is not None:
            self._timers["release"] = self._loop.call_at(wake, self._release)

    # ── what is told ─────────────────────────────────────────────────────────────────────────────

    def _publish(self, turns: Iterable[Turn]) -> None:
        now = self._loop.time()
        for turn in turns:
            kind, text, severity = _WORDS[turn.happened]
            record = self.watch.records.get(turn.link)
            due = record.due(self.watch.patience) if record is not None else None
            if turn.happened is Happened.UP_AGAIN and due is not None:
                text += f"; traffic may return in {max(due - now, 0.0):.0f} s"
            self._hub.events.publish(
                kind, f"link {turn.link}", f"{turn.link} {text}", severity=severity, link=turn.link
            )

    def _mourn(self, dead: frozenset[str]) -> None:
        """Tell of switches that are dead, not only silent."""
        for node in sorted(dead - self.dead):
            self._hub.events.publish(
                Kind.SWITCH_DOWN,
                f"switch {node}",
                f"{node} is dead: it does not answer, and none of its neighbours has light from it",
                severity=Severity.CRITICAL,
                device=node,
                dead=True,
            )
        self.dead = dead


def _rounds(news: list[News]) -> list[tuple[float, dict[PortRef | str, bool]]]:
    """Reports in order, together as long as none contradicts another: a bounce within a batch is two rounds."""
    rounds: list[tuple[float, dict[PortRef | str, bool]]] = []
    for when, what, up in news:
        if not rounds or rounds[-1][1].get(what, up) != up:
            rounds.append((when, {}))
        rounds[-1] = when, rounds[-1][1]
        rounds[-1][1][what] = up
    return rounds


_WORDS: Mapping[Happened, tuple[Kind, str, Severity]] = {
    Happened.DOWN: (Kind.LINK_DOWN, "is down", Severity.WARNING),
    Happened.UP_AGAIN: (Kind.LINK_UP, "is up again", Severity.INFO),
    Happened.DAMPED: (Kind.LINK_DAMPED, "flaps, and is left alone until it has calmed down", Severity.WARNING),
    Happened.RELEASED: (Kind.LINK_UP, "has been up long enough", Severity.INFO),
}
