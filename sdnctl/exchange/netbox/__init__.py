"""NetBox: buildings, devices, ports and cables, as its bulk import and REST API take them (NetBox 4.2 and later).

    network ─ gather, frames ─► Inventory ─ csv_files, rest ─► bytes
    bytes ─ read ─► Inventory ─ network ─► documents of a network of links

NetBox knows no trenches, ducts, tubes, strands or splices. Between two frames the glass that runs through
without a break is one cable of as many positions; what it is made of stays in our inventory.
"""
