"""What the controller measures of itself, for Prometheus: read from the hub whenever somebody asks."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import PlatformCollector, ProcessCollector, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sdnctl.daemon.hub import Hub


def watch(hub: Hub) -> None:
    """Add everything to the hub's registry; once for each controller."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series of every counter, which says when this process began
    ProcessCollector(registry=hub.registry)
    PlatformCollector(registry=hub.registry)
    hub.registry.register(HubCollector(hub))
    hub.registry.register(_Channel(hub))


class _Channel(Collector):
    """The counters of OpenFlow connections, which have a registry of their own."""

    def __init__(self, hub: Hub) -> None:
        self._registry = hub.fleet.metrics.registry

    def collect(self) -> Iterable[Metric]:
        return self._registry.collect()


class HubCollector(Collector):
    """Switches, events, turns and the lease."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        yield from self._switches()
        yield self._event_counts()
        hub = self._hub
        waiting = GaugeMetricFamily("sdnctl_turns_waiting", "Changes that wait for their turn")
        waiting.add_metric([], len(hub.turns.waiting))
        running = GaugeMetricFamily("sdnctl_turn_running", "Whether a change is being made")
        running.add_metric([], hub.turns.current is not None)
        master = GaugeMetricFamily("sdnctl_lease_held", "Whether this process holds the writer's lease")
        master.add_metric([], hub.lease is not None)
        generation = GaugeMetricFamily("sdnctl_lease_generation", "Generation of the newest lease that is known")
        generation.add_metric([], hub.fleet.generation or 0)
        yield from (waiting, running, master, generation)

    def _switches(self) -> Iterable[Metric]:
        fleet = self._hub.fleet
        connected = GaugeMetricFamily("sdnctl_switch_up", "Whether the switch is connected", labels=["switch"])
        sessions = CounterMetricFamily(
            "sdnctl_switch_connections", "Connections that the switch has had", labels=["switch"]
        )
        up = fleet.up
        for device in fleet.devices():
            connected.add_metric([device], device in up)
            sessions.add_metric([device], fleet.session(device))
        yield connected
        yield sessions

    def _event_counts(self) -> Metric:
        family = CounterMetricFamily("sdnctl_events", "Events by kind", labels=["kind", "severity"])
        for (kind, severity), count in sorted(self._hub.events.counts.items()):
            family.add_metric([kind, severity], count)
        return family
