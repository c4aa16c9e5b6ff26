"""What a notification means: the few that are understood, as a kind of event, a severity and a sentence. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sdnctl.daemon.events import Kind, Severity
from sdnctl_snmp import oids
from sdnctl_snmp.values import Value, number, signed, text

MOST = 64
"""Objects of one notification that are looked at."""


@dataclass(frozen=True, slots=True)
class Notification:
    """A trap or inform: its OID, and the objects that it carries."""

    oid: str
    objects: Mapping[str, Value]
    device: str = ""

    @property
    def index(self) -> int | None:
        """The ifIndex that it is about."""
        for oid, value in self.objects.items():
            if oids.under(oid, oids.IF_INDEX) is not None:
                return number(value, 31)
        for oid in self.objects:
            for column in (oids.IF_OPER_STATUS, oids.IF_ADMIN_STATUS, oids.IF_NAME, oids.IF_DESCR):
                below = oids.under(oid, column)
                if below is not None and below.isdecimal():
                    return int(below)
        return None

    @property
    def port(self) -> str:
        """The name of the port as the notification itself says it, or ""."""
        for column in (oids.IF_NAME, oids.IF_DESCR):
            for oid, value in self.objects.items():
                if oids.under(oid, column) is not None:
                    return text(value)
        return ""


@dataclass(frozen=True, slots=True)
class Meaning:
    """An event in the making."""

    kind: Kind
    subject: str
    summary: str
    severity: Severity
    detail: Mapping[str, object] = field(default_factory=dict)


def meaning(said: Notification, port: str = "") -> Meaning | None:
    """What it means, None for one that is not known. `port`: the name of the port that its index stands for."""
    device = f"device {said.device}"
    if said.oid in (oids.LINK_DOWN, oids.LINK_UP):
        name = port or said.port or (f"ifIndex {said.index}" if said.index is not None else "a port")
        shut = any(oids.under(oid, oids.IF_ADMIN_STATUS) and value == 2 for oid, value in said.objects.items())
        detail = {"device": said.device, "port": name, "index": said.index}
        subject = f"{device} port {name}"
        if said.oid == oids.LINK_UP:
            return Meaning(Kind.PORT_UP, subject, f"{said.device}: port {name} is up", Severity.INFO, detail)
        how = " because somebody shut it" if shut else ""
        severity = Severity.INFO if shut else Severity.WARNING
        return Meaning(Kind.PORT_DOWN, subject, f"{said.device}: port {name} is down{how}", severity, detail)
    if said.oid in (oids.COLD_START, oids.WARM_START):
        how = "cold" if said.oid == oids.COLD_START else "warm"
        summary = f"{said.device} or its SNMP agent was started again ({how})"
        detail = {"device": said.device, "start": how}
        return Meaning(Kind.DEVICE_RESTARTED, device, summary, Severity.WARNING, detail)
    if said.oid in (oids.SENSOR_THRESHOLD, oids.SENSOR_RECOVERY):
        return _sensor(said, device)
    if said.oid == oids.AUTHENTICATION_FAILURE:
        summary = f"{said.device} refused a request: somebody asks it with wrong credentials"
        detail = {"device": said.device}
        return Meaning(Kind.AUTHENTICATION_FAILURE, device, summary, Severity.WARNING, detail)
    return None


def _sensor(said: Notification, device: str) -> Meaning:
    """CISCO-ENTITY-SENSOR-MIB: a threshold was crossed, or not any more; values in the sensor's own scale."""
    entity, value, threshold = "", None, None
    for oid, found in said.objects.items():
        if (index := oids.under(oid, oids.SENSOR_VALUE)) is not None:
            entity, value = index, signed(found)
        elif (index := oids.under(oid, oids.SENSOR_THRESHOLD_VALUE)) is not None:
            entity, threshold = entity or index.partition(".")[0], signed(found)
    back = said.oid == oids.SENSOR_RECOVERY
    did = "came back from" if back else "crossed"
    summary = f"{said.device}: sensor {entity or 'unknown'} {did} its threshold {threshold}: {value}"
    detail = {"device": said.device, "entity": entity, "value": value, "threshold": threshold, "recovered": back}
    severity = Severity.INFO if back else Severity.WARNING
    return Meaning(Kind.SENSOR_THRESHOLD, f"{device} sensor {entity}", summary, severity, detail)
