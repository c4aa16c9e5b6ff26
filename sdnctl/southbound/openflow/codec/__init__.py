"""Messages to bytes and back; no sockets, no clocks.

Every encoder returns one complete message, every decoder takes the body behind the 8-octet header and
raises `Malformed` (a ProtocolError with message and offset) on bytes that are not the protocol. What is
the protocol but not in `sdnctl.dataplane.values` comes back as `Opaque`, never as an error.

Layouts are those of the OpenFlow Switch Specification 1.3.5, of ONF extension EXT-230 (bundles) and of
Open vSwitch's Nicira actions.
"""
