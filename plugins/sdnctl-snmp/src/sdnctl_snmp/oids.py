"""Objects by name: the few that are read, as numeric OIDs without a leading dot.

SNMPv2-MIB (RFC 3418), IF-MIB (RFC 2863), ENTITY-MIB (RFC 6933), ENTITY-SENSOR-MIB (RFC 3433), LLDP-MIB
(IEEE 802.1AB), and CISCO-ENTITY-SENSOR-MIB, which has the same columns and knows dBm.
"""

from __future__ import annotations

# SNMPv2-MIB
SYS_DESCR = "1.3.6.1.2.1.1.1.0"
SYS_UPTIME = "1.3.6.1.2.1.1.3.0"
SYS_NAME = "1.3.6.1.2.1.1.5.0"
TRAP_OID = "1.3.6.1.6.3.1.1.4.1.0"
COLD_START = "1.3.6.1.6.3.1.1.5.1"
WARM_START = "1.3.6.1.6.3.1.1.5.2"
LINK_DOWN = "1.3.6.1.6.3.1.1.5.3"
LINK_UP = "1.3.6.1.6.3.1.1.5.4"
AUTHENTICATION_FAILURE = "1.3.6.1.6.3.1.1.5.5"

# IF-MIB: scalars
IF_NUMBER = "1.3.6.1.2.1.2.1.0"
IF_TABLE_LAST_CHANGE = "1.3.6.1.2.1.31.1.5.0"
# ifTable and ifXTable, columns indexed by ifIndex
IF_INDEX = "1.3.6.1.2.1.2.2.1.1"
IF_DESCR = "1.3.6.1.2.1.2.2.1.2"
IF_SPEED = "1.3.6.1.2.1.2.2.1.5"
IF_PHYS_ADDRESS = "1.3.6.1.2.1.2.2.1.6"
IF_ADMIN_STATUS = "1.3.6.1.2.1.2.2.1.7"
IF_OPER_STATUS = "1.3.6.1.2.1.2.2.1.8"
IF_IN_OCTETS = "1.3.6.1.2.1.2.2.1.10"
IF_IN_UCAST = "1.3.6.1.2.1.2.2.1.11"
IF_IN_NUCAST = "1.3.6.1.2.1.2.2.1.12"
IF_IN_DISCARDS = "1.3.6.1.2.1.2.2.1.13"
IF_OUT_OCTETS = "1.3.6.1.2.1.2.2.1.16"
IF_OUT_UCAST = "1.3.6.1.2.1.2.2.1.17"
IF_OUT_NUCAST = "1.3.6.1.2.1.2.2.1.18"
IF_OUT_DISCARDS = "1.3.6.1.2.1.2.2.1.19"
IF_NAME = "1.3.6.1.2.1.31.1.1.1.1"
IF_HC_IN_OCTETS = "1.3.6.1.2.1.31.1.1.1.6"
IF_HC_IN_UCAST = "1.3.6.1.2.1.31.1.1.1.7"
IF_HC_IN_MULTICAST = "1.3.6.1.2.1.31.1.1.1.8"
IF_HC_IN_BROADCAST = "1.3.6.1.2.1.31.1.1.1.9"
IF_HC_OUT_OCTETS = "1.3.6.1.2.1.31.1.1.1.10"
IF_HC_OUT_UCAST = "1.3.6.1.2.1.31.1.1.1.11"
IF_HC_OUT_MULTICAST = "1.3.6.1.2.1.31.1.1.1.12"
IF_HC_OUT_BROADCAST = "1.3.6.1.2.1.31.1.1.1.13"
IF_HIGH_SPEED = "1.3.6.1.2.1.31.1.1.1.15"
IF_ALIAS = "1.3.6.1.2.1.31.1.1.1.18"
IF_DISCONTINUITY = "1.3.6.1.2.1.31.1.1.1.19"

# ENTITY-MIB: entPhysicalTable, and entAliasMappingIdentifier indexed by (entPhysicalIndex, logical index)
ENT_DESCR = "1.3.6.1.2.1.47.1.1.1.1.2"
ENT_CONTAINED_IN = "1.3.6.1.2.1.47.1.1.1.1.4"
ENT_CLASS = "1.3.6.1.2.1.47.1.1.1.1.5"
ENT_NAME = "1.3.6.1.2.1.47.1.1.1.1.7"
ENT_SOFTWARE = "1.3.6.1.2.1.47.1.1.1.1.10"
ENT_SERIAL = "1.3.6.1.2.1.47.1.1.1.1.11"
ENT_VENDOR = "1.3.6.1.2.1.47.1.1.1.1.12"
ENT_MODEL = "1.3.6.1.2.1.47.1.1.1.1.13"
ENT_ALIAS = "1.3.6.1.2.1.47.1.3.2.1.2"

# ENTITY-SENSOR-MIB entPhySensorTable and CISCO-ENTITY-SENSOR-MIB entSensorValueTable: the entries
SENSORS = "1.3.6.1.2.1.99.1.1.1"
CISCO_SENSORS = "1.3.6.1.4.1.9.9.91.1.1.1.1"
SENSOR_THRESHOLD = "1.3.6.1.4.1.9.9.91.2.0.1"
SENSOR_RECOVERY = "1.3.6.1.4.1.9.9.91.2.0.2"
SENSOR_THRESHOLD_VALUE = "1.3.6.1.4.1.9.9.91.1.2.1.1.4"
SENSOR_VALUE = "1.3.6.1.4.1.9.9.91.1.1.1.1.4"

# LLDP-MIB: local ports by port number, remote systems by (time mark, local port number, index)
LLDP_LOCAL_PORTS = "1.0.8802.1.1.2.1.3.7.1"
LLDP_REMOTE = "1.0.8802.1.1.2.1.4.1.1"


def under(oid: str, base: str) -> str | None:
    """What follows `base` in an OID (without the dot), None where it is not below it."""
    return oid[len(base) + 1 :] if oid.startswith(base) and oid[len(base) : len(base) + 1] == "." else None
