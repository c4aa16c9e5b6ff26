"""Which device a switch is, by what it says (datapath id) and what it shows (certificate). Pure.

A device that was bound is that switch and no other, with the certificate that it showed then. One that was not is
the switch that the inventory says, with any certificate of the controller's authority. A switch that was replaced
is no device any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sdnctl.errors import DeviceRefused, Diagnostic
from sdnctl.store.bindings import Binding


@dataclass(frozen=True)
class Identities:
    """Device → datapath id, and → certificate where it has to show one; replaced datapath id → device."""

    dpids: Mapping[str, int] = field(default_factory=dict)
    certificates: Mapping[str, str] = field(default_factory=dict)
    retired: Mapping[int, str] = field(default_factory=dict)
    bindings: tuple[Binding, ...] = ()  # what this was made from

    @classmethod
    def of(cls, planned: Mapping[str, int], bindings: Iterable[Binding]) -> Identities:
        """From what the inventory says and what was bound, oldest first."""
        bindings = tuple(bindings)
        dpids, certificates = dict(planned), dict[str, str]()
        retired: dict[int, str] = {}
        for one in bindings:
            if one.retired is not None:
                retired[one.dpid] = one.device
            else:
                dpids[one.device] = one.dpid
                if one.certificate:
                    certificates[one.device] = one.certificate
        for dpid in dpids.values():
            retired.pop(dpid, None)  # it was admitted again
        return cls(dpids, certificates, retired, bindings)

    def device_of(self, dpid: int, certificate: str) -> str | None:
        """The device that a switch is, None for one that nobody admitted.

        Raises DeviceRefused for one that was replaced, and for one that shows another certificate than it did when
        it was admitted.
        """
        if dpid in self.retired:
            raise DeviceRefused(
                Diagnostic(
                    "replaced-switch",
                    f"datapath {dpid:016x} was replaced as {self.retired[dpid]}",
                    address=f"datapath {dpid:016x}",
                    hint=f"`sdnctl controller replace {self.retired[dpid]} --dpid {dpid:016x}` takes it back",
                )
            )
        device = next((key for key, value in self.dpids.items() if value == dpid), None)
        if device is not None:
            self.check(device, certificate)
        return device

    def check(self, device: str, certificate: str) -> None:
        """Raise DeviceRefused when a device shows another certificate than it has to.

        One that has to show none in particular may not show that of another device.
        """
        wanted = self.certificates.get(device, "")
        owner = next((name for name, one in self.certificates.items() if one == certificate), None)
        if not wanted and certificate and owner is not None:
            raise DeviceRefused(
                Diagnostic(
                    "wrong-certificate",
                    f"{device} shows the certificate of {owner}",
                    address=f"switch {device}",
                    detail=f"SHA-256 {certificate}",
                    hint="if both are bridges of one machine, say so: `sdnctl controller admit DPID DEVICE`",
                )
            )
        if wanted and certificate != wanted:
            raise DeviceRefused(
                Diagnostic(
                    "wrong-certificate",
                    f"{device} shows {'no certificate' if not certificate else 'another certificate'}",
                    address=f"switch {device}",
                    detail=f"SHA-256 {certificate or 'none'}; it was admitted with {wanted}",
                    hint="if its certificate was renewed, admit it again: `sdnctl controller admit DPID DEVICE`",
                )
            )
