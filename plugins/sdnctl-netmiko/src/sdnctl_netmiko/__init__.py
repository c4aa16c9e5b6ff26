"""sdnctl's driver for devices with a command line over SSH; what differs between them stands in templates."""

from sdnctl_netmiko.driver import NetmikoDriver

__all__ = ["NetmikoDriver"]
