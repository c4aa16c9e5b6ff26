"""sdnctl's driver for access switches and routers through NAPALM: attachments, and facts for `inventory check`."""

from sdnctl_napalm.driver import NapalmDriver

__all__ = ["NapalmDriver"]
