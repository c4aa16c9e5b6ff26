"""Research topologies and their demands: Topology Zoo, topohub, SNDlib and REPETITA, to a network of links.

    bytes ─ formats ─► reader ─► Graph ─ naming, lengths, trunks, services, capacity ─► Network ─ texts ─► files

Readers only say what the file says, with its lines. What a format leaves open is derived by the stages after it,
each of which notes how; `texts` writes those notes beside the values.
"""
