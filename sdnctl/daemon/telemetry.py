"""Port counters, read now and then: into metrics, as load of links, and to every sink that wants them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sdnctl.daemon.hub import Hub
from sdnctl.southbound.base import PortState
from sdnctl.southbound.readers import Readers
from sdnctl.telemetry.rates import PortCount, PortKey, Rate, Sample, Sink, rates
from sdnctl.topology.graph import Topology

logger = logging.getLogger(__name__)


class Telemetry:
    """The part that reads counters every `telemetry_interval`; on the standby nobody needs them twice."""

    name = "telemetry"

    def __init__(self, sinks: Sequence[Sink] = ()) -> None:
        self._sinks = tuple(sinks)
        self._readers = Readers()  # of devices that are not switches of ours
        self.last: Sample | None = None
        self.rates: Mapping[PortKey, Rate] = {}
        self.load: Mapping[tuple[str, str], float] = {}
        """(link, switch that sends) → share of the link's capacity that was used since the reading before."""

    async def run(self, hub: Hub) -> None:
        collector = _Ports(self)
        hub.registry.register(collector)
        try:
            while interval := hub.settings.telemetry_interval:
                await self.read(hub)
                await asyncio.sleep(interval)
        finally:
            hub.registry.unregister(collector)
            await self._readers.retarget({})

    async def read(self, hub: Hub) -> None:
        """Read once, and tell all sinks."""
        taken = asyncio.get_running_loop().time()
        switches, others = await asyncio.gather(hub.fleet.port_counters(), self._read_others(hub))
        counts = {**others, **switches}
        sample = Sample(
            taken,
            {
                (device, port): PortCount(
                    state.rx_bytes,
                    state.tx_bytes,
                    state.rx_packets,
                    state.tx_packets,
                    state.rx_dropped,
                    state.tx_dropped,
                    state.since,
                )
                for device, ports in counts.items()
                for port, state in (ports or {}).items()
            },
        )
        before, self.last = self.last, sample
        self.rates = rates(before, sample) if before is not None else {}
        applied = await hub.compute(hub.applied)
        self.load = load(applied[1].compiled.topology, self.rates) if applied is not None else {}
        for sink in self._sinks:
            try:
                await sink.take(sample, self.rates)
            except Exception:
                logger.exception("a sink of telemetry failed")

    async def _read_others(self, hub: Hub) -> Mapping[str, Mapping[int, PortState]]:
        """Ports of devices that are only read; of a switch, which has numbers of its own, we ask the switch."""
        switches = frozenset(hub.fleet.devices())
        read = hub.fleet.targets("facts").items()
        await self._readers.retarget({device: found for device, found in read if device not in switches})
        counted = await self._readers.counters()
        return {device: counters.ports for device, counters in counted.items() if counters is not None}


def load(topology: Topology, measured: Mapping[PortKey, Rate]) -> Mapping[tuple[str, str], float]:
    """How full each link is in each direction, by (link, sender): what its port sends, over its capacity."""
    return {
        (link.id, end.node): rate.tx / link.capacity
        for link in topology.links.values()
        for end in (link.a, link.b)
        if (rate := measured.get((end.node, end.port))) is not None and link.capacity
    }


class _Ports(Collector):
    """The last reading, for Prometheus."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        octets = CounterMetricFamily(
            "sdnctl_port_bytes",
            "Octets of a port since its switch started",
            labels=["switch", "port", "direction"],
        )
        dropped = CounterMetricFamily(
            "sdnctl_port_dropped", "Packets dropped at a port", labels=["switch", "port"]
        )
        sample = self._telemetry.last
        for (device, port), count in sample.ports.items() if sample is not None else ():
            octets.add_metric([device, str(port), "rx"], count.rx_bytes)
            octets.add_metric([device, str(port), "tx"], count.tx_bytes)
            dropped.add_metric([device, str(port)], count.rx_dropped + count.tx_dropped)
        used = GaugeMetricFamily(
            "sdnctl_link_load_ratio", "Share of a link's capacity in use, by sender", labels=["link", "switch"]
        )
        for (link, sender), share in self._telemetry.load.items():
            used.add_metric([link, sender], share)
        yield from (octets, dropped, used)
