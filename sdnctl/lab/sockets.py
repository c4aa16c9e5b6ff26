"""The wire of an Open vSwitch lab: packet sockets (packet(7)) in the namespace of the hosts.

One socket hears all host interfaces and one sends on any of them, so that a lab with two thousand ports
costs two sockets. The kernel takes the outermost VLAN tag out of a received frame and reports it beside it
(``PACKET_AUXDATA``); it is put back here, so that frames read as they were on the cable.
"""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import struct
import time
from collections.abc import Mapping, Sequence

from sdnctl.errors import DeviceError, Diagnostic
from sdnctl.lab import netns
from sdnctl.lab.wire import Arrival
from sdnctl.topology.graph import PortRef

_ETH_P_ALL = 0x0003
_ETH_P_MPLS_UC = 0x8847
_SOL_PACKET = 263
_PACKET_STATISTICS, _PACKET_AUXDATA, _PACKET_IGNORE_OUTGOING = 6, 8, 23
_PACKET_OUTGOING = 4
_SO_RCVBUFFORCE = 33
_RECEIVE_BUFFER = 32 << 20
_AUXDATA = struct.Struct("=IIIHHHH")  # status, len, snaplen, mac, net, vlan_tci, vlan_tpid (linux/if_packet.h)
_VLAN_VALID, _VLAN_TPID_VALID = 0x10, 0x40
_FRAME_MAX = 16_384
_BATCH = 256
_LINK_DOWN = (errno.ENETDOWN, errno.ENXIO, errno.ENOBUFS)  # the last while the other end is just going down


class PacketWire:
    """Sends and hears raw frames at the host end of every endpoint port."""

    def __init__(self, namespace: str, interfaces: Mapping[PortRef, str]) -> None:
        self._names = dict(interfaces)
        self._ports = {name: port for port, name in self._names.items()}
        self._sender, self._receiver = netns.inside(namespace, self._open)
        self._poll = select.poll()
        self._poll.register(self._receiver, select.POLLIN)

    @staticmethod
    def _open() -> tuple[socket.socket, socket.socket]:
        """Called in the namespace: the sockets stay there."""
        sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)  # protocol 0: hears nothing
        receiver = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        receiver.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
        receiver.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
        with contextlib.suppress(OSError):  # since Linux 4.20; `receive` filters all the same
            receiver.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        receiver.setblocking(False)
        return sender, receiver

    def send(self, port: PortRef, frame: bytes) -> None:
        """Send; a port that is shut swallows the frame, as an unplugged cable would."""
        name = self._names.get(port)
        if name is None:
            raise DeviceError(
                Diagnostic("lab-no-host", "no host is plugged into this port", f"switch port {port}")
            )
        try:
            self._sender.sendto(frame, (name, 0))
        except OSError as error:
            if error.errno not in _LINK_DOWN:
                raise DeviceError(
                    Diagnostic(
                        "lab-send",
                        f"frame of {len(frame)} octets not sent: {error.strerror}",
                        f"switch port {port}",
                    )
                ) from None

    def receive(self, timeout: float) -> Sequence[Arrival]:
        """Up to a few hundred frames; `timeout` seconds for the first one."""
        if not self._poll.poll(max(0.0, timeout) * 1000):
            return ()
        arrivals: list[Arrival] = []
        while len(arrivals) < _BATCH:
            try:
                data, ancillary, _, address = self._receiver.recvmsg(_FRAME_MAX, socket.CMSG_SPACE(_AUXDATA.size))
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno in _LINK_DOWN:  # reported once when an interface is shut
                    continue
                raise
            now = time.monotonic()
            port = self._ports.get(address[0])
            if port is not None and address[2] != _PACKET_OUTGOING:
                arrivals.append(Arrival(port, _with_tag(data, ancillary), now))
        return arrivals

    def close(self) -> None:
        self._poll.unregister(self._receiver)
        self._sender.close()
        self._receiver.close()


def _with_tag(frame: bytes, ancillary: Sequence[tuple[int, int, bytes]]) -> bytes:
    """Put the VLAN tag that the kernel took out back behind the two addresses."""
    for level, kind, data in ancillary:
        if level == _SOL_PACKET and kind == _PACKET_AUXDATA and len(data) >= _AUXDATA.size:
            status, _, _, _, _, tci, tpid = _AUXDATA.unpack_from(data)
            if status & _VLAN_VALID:
                outer = tpid if status & _VLAN_TPID_VALID else 0x8100
                return frame[:12] + struct.pack("!HH", outer, tci) + frame[12:]
    return frame


class MplsCount:
    """Counts the MPLS frames that arrive on any cable of the switches' namespace, by the kernel.

    Nothing is copied to user space: the socket's own statistics say how many there were, so that a loop at
    full speed is counted as well as a single frame.
    """

    def __init__(self, namespace: str) -> None:
        self._socket = netns.inside(namespace, self._open)
        self.take()

    @staticmethod
    def _open() -> socket.socket:
        # Bound to one protocol a packet socket does not hear what its own side sends: each hop counts once.
        return socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_MPLS_UC))

    def take(self) -> int:
        """Frames since the last call (reading resets the kernel's counter)."""
        statistics = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
        packets, _ = struct.unpack("=II", statistics)  # tp_packets includes the dropped ones
        return int(packets)

    def close(self) -> None:
        self._socket.close()
