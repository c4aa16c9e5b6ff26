"""Pictures of a network: an interactive page, and a sheet for the wall. Values in, text or bytes out."""
