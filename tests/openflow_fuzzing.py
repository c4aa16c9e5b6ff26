"""What is fuzzed: every decoder by name, and a transport that swallows what a connection writes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from sdnctl.southbound.openflow.codec import bundle, faults, flow, group, meter, multipart, packet, ports, session

DECODERS: dict[str, Callable[[bytes], Any]] = {
    "flow_mod": flow.decode_flow_mod,
    "flow statistics": flow.decode_flow_stats,
    "flow counters": lambda body: flow.decode_flow_stats(body, counters_only=True),
    "group_mod": group.decode_group_mod,
    "group description": group.decode_groups,
    "group statistics": group.decode_group_stats,
    "group features": group.decode_group_features,
    "meter_mod": meter.decode_meter_mod,
    "meter configuration": meter.decode_meters,
    "meter features": meter.decode_meter_features,
    "hello": lambda body: session.decode_hello(4, body),
    "features": session.decode_features,
    "config": session.decode_config,
    "role": session.decode_role,
    "ports": ports.decode_ports,
    "port status": ports.decode_port_status,
    "port statistics": ports.decode_port_stats,
    "packet_in": packet.decode_packet_in,
    "packet_out": packet.decode_packet_out,
    "bundle control": bundle.decode_bundle_control,
    "bundle add": bundle.decode_bundle_add,
    "multipart": multipart.decode_multipart,
    "description": multipart.decode_description,
    "error": faults.decode_error,
}


class Pipe(asyncio.Transport):
    """A transport that swallows what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.aborted = False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.aborted

    def close(self) -> None:
        self.aborted = True
