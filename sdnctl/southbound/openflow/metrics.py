"""Counters of OpenFlow connections, in a registry of their own that a daemon may expose.

One `ChannelMetrics` is shared by all connections that belong together (a listener, a driver); there
is no global registry, so two controllers in one process do not mix.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter


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
