"""sdnctl's reader over SNMP: counters, optical levels, neighbours and what a device is; traps and informs."""

from sdnctl_snmp.driver import SnmpDriver

__all__ = ["SnmpDriver"]
