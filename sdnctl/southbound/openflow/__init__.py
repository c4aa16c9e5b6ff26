"""OpenFlow 1.3 with the ONF bundle extension: codec, channel, listener and the driver on top of them."""
