"""What discovery knows, as a value for the API and as metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sdnctl.daemon.beacons import Disbelief
from sdnctl.daemon.cabling import Cabling, Found
from sdnctl.topology.graph import PortRef


@dataclass(frozen=True)
class Discovered:
    """Every cable, beacons not believed by reason, and links and ports that are set apart, with reasons."""

    cables: tuple[Found, ...] = ()
    refused: Mapping[Disbelief, int] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[PortRef, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As JSON can carry it."""
        return {
            "cables": [
                {
                    "kind": str(one.kind),
                    "ports": [str(port) for port in one.ports],
                    "links": list(one.links),
                    "heard": [{"at": str(here), "from": str(there)} for here, there in one.heard],
                    "summary": one.summary,
                }
                for one in self.cables
            ],
            "refused": {str(reason): count for reason, count in sorted(self.refused.items())},
            "quarantined_links": dict(sorted(self.links.items())),
            "quarantined_ports": {str(port): why for port, why in sorted(self.ports.items())},
        }


class DiscoveryMetrics(Collector):
    """Cables by what is known of them, and beacons that were not believed."""

    def __init__(self, found: Callable[[], Discovered]) -> None:
        self._found = found

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        found = self._found()
        kinds = Counter(one.kind for one in found.cables)
        cables = GaugeMetricFamily("sdnctl_discovery_cables", "Cables by what is known of them", labels=["kind"])
        for kind in Cabling:
            cables.add_metric([str(kind)], kinds[kind])
        refused = CounterMetricFamily(
            "sdnctl_discovery_refused", "Beacons that were not believed", labels=["reason"]
        )
        for reason, count in sorted(found.refused.items()):
            refused.add_metric([str(reason)], count)
        apart = GaugeMetricFamily("sdnctl_discovery_quarantined", "Links and ports set apart", labels=["what"])
        apart.add_metric(["link"], len(found.links))
        apart.add_metric(["port"], len(found.ports))
        yield from (cables, refused, apart)
