"""The graph of switches and lit links, how it is derived from plant, and paths through it."""
