"""sdnctl's driver for the settings of an Open vSwitch bridge, over OVSDB: fail mode, BFD, queues, port states."""

from sdnctl_ovsdb.driver import OvsdbDriver

__all__ = ["OvsdbDriver"]
