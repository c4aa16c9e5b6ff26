"""What the API's clients cost, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sdnctl.api.connections import Crowd


class CrowdCollector(Collector):
    """Connections, event streams and bodies that are held; those that had to go."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        crowd = self._crowd
        connections = GaugeMetricFamily("sdnctl_api_connections", "Open connections.", labels=["state"])
        connections.add_metric(["busy"], len(crowd.busy))
        connections.add_metric(["idle"], len(crowd.idle))
        yield connections
        yield GaugeMetricFamily("sdnctl_api_event_streams", "Clients that listen to events.", crowd.listeners)
        yield GaugeMetricFamily("sdnctl_api_body_bytes", "Octets of requests that are held.", crowd.held)
        yield CounterMetricFamily(
            "sdnctl_api_evicted", "Silent connections that made room for others.", crowd.evicted
        )
        yield CounterMetricFamily(
            "sdnctl_api_refused", "Connections refused, all others being busy.", crowd.refused
        )
