"""Counters of OpenFlow connections, in a registry of their own that a daemon may expose.

One `ChannelMetrics` is shared by all connections that belong together (a listener, a driver); there
is no global registry, so two controllers in one process do not mix.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from weakref import WeakSet

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from sdnctl.southbound.openflow.channel import Channel

SWITCH_OCTETS, RULE_OCTETS = 20_000, 1_500
"""What a connection and a rule that is held take in memory, at most: ``make bench ONLY=scale`` measures it."""


class ChannelMetrics:
    """What happened on connections: how many, how much, and what was wrong."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry if registry is not None else CollectorRegistry()
        self.connections = Counter(
            "sdnctl_openflow_connections",
            "OpenFlow connections made, by who dialled",
            ["direction"],
            registry=self.registry,
        )
        self.malformed = Counter(
            "sdnctl_openflow_malformed",
            "Connections closed because of bytes that are not OpenFlow 1.3, by message",
            ["message"],
            registry=self.registry,
        )
        self.failed_handshakes = Counter(
            "sdnctl_openflow_failed_handshakes",
            "Connections that never became a switch: TLS, version or time",
            registry=self.registry,
        )
        self.unmatched = Counter(
            "sdnctl_openflow_unmatched",
            "Messages that answer nothing that was asked, by type",
            ["type"],
            registry=self.registry,
        )
        self.received = Counter(
            "sdnctl_openflow_received_bytes", "Octets received from switches", registry=self.registry
        )
        self.sent = Counter("sdnctl_openflow_sent_bytes", "Octets sent to switches", registry=self.registry)
        self.dropped_packets = Counter(
            "sdnctl_openflow_dropped_packets",
            "Packets to the controller that were dropped because more came than are handled",
            registry=self.registry,
        )
        self.dropped_messages = Counter(
            "sdnctl_openflow_dropped_messages",
            "Answers to packets that were dropped because the switch does not read",
            registry=self.registry,
        )
        self.evicted = Counter(
            "sdnctl_openflow_evicted",
            "Connections that said nothing and were closed to let others shake hands",
            registry=self.registry,
        )
        self._switches = _Switches()
        self.registry.register(self._switches)

    def watch(self, channel: Channel) -> None:
        """Show what a connection costs, as long as it is open."""
        self._switches.channels.add(channel)


class _Switches(Collector):
    """What each connection costs, worked out when it is asked for.

    Computing is the time in which messages of the switch are read, decoded and given to who waits for them. Memory
    is an estimate: `SWITCH_OCTETS` and `RULE_OCTETS` for each rule that the driver holds.
    """

    def __init__(self) -> None:
        self.channels: WeakSet[Channel] = WeakSet()

    def describe(self) -> Iterable[Metric]:
        return self._families()

    def collect(self) -> Iterable[Metric]:
        computing, memory = families = self._families()
        sums: dict[str, tuple[float, int]] = {}  # a switch may have a second connection for a moment
        for channel in tuple(self.channels):
            if not channel.closed.done() and channel.features.dpid:
                seconds, octets = sums.get(channel.device, (0.0, 0))
                octets += SWITCH_OCTETS + RULE_OCTETS * channel.rules
                sums[channel.device] = seconds + channel.seconds, octets
        for device, (seconds, octets) in sums.items():
            computing.add_metric([device], seconds)
            memory.add_metric([device], octets)
        return families

    @staticmethod
    def _families() -> tuple[CounterMetricFamily, GaugeMetricFamily]:
        return (
            CounterMetricFamily(
                "sdnctl_openflow_switch_seconds",
                "Seconds of computing that a switch's messages took on its present connection",
                labels=["switch"],
            ),
            GaugeMetricFamily(
                "sdnctl_openflow_switch_memory_bytes",
                "Memory that a switch's connection and rules take, estimated",
                labels=["switch"],
            ),
        )
