"""What is set on switches beside rules: fail mode, BFD and class queues on the ports of links."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sdnctl.compiler.ir import Network
from sdnctl.dataplane.values import PortSettings, Queue, SwitchSettings
from sdnctl.intents.demand import ServiceClass
from sdnctl.units import Bitrate

LEAST_SHARE = 100
"""Every queue is guaranteed one part in this many of the port, so that none starves."""


def switch_settings(network: Network) -> Mapping[str, SwitchSettings]:
    """Settings of every switch: secure, and on each port of a link BFD (where on) and a queue per class queue."""
    topology, interval = network.topology, network.settings.bfd_interval_ms
    result = {}
    for switch in sorted(topology.nodes):
        links = sorted(
            (topology.links[hop.link] for hop in topology.adjacency[switch]), key=lambda link: link.port_at(switch)
        )
        ports = {
            link.port_at(switch): PortSettings(interval, port_queues(network.classes.values(), link.capacity))
            for link in links
        }
        result[switch] = SwitchSettings("secure", ports)
    return result


def port_queues(classes: Iterable[ServiceClass], capacity: Bitrate) -> tuple[Queue, ...]:
    """One queue per class queue, in strict priority by the best rank of the classes that share it.

    Strict priority starves nobody because every class is policed at the edge and admission keeps the sum below the
    capacity; a small guarantee remains for what is not (control traffic of others). Rates in bit/s.
    """
    ranks: dict[int, int] = {}
    for item in classes:
        ranks[item.queue] = min(item.rank, ranks.get(item.queue, item.rank))
    order = sorted(ranks, key=lambda queue: (ranks[queue], queue))
    queues = (Queue(queue, capacity // LEAST_SHARE, capacity, priority) for priority, queue in enumerate(order))
    return tuple(sorted(queues, key=lambda queue: queue.id))
