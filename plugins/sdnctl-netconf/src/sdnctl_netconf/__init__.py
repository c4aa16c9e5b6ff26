"""sdnctl's driver for attachments on devices that speak NETCONF: confirmed commits, read back, notifications."""

from sdnctl_netconf.driver import NetconfDriver
from sdnctl_netconf.notifications import ConfigChange

__all__ = ["ConfigChange", "NetconfDriver"]
