"""sdnctl: SDN controller and fibre inventory, one graph from splice to flow rule."""

__version__ = "0.1.0"
