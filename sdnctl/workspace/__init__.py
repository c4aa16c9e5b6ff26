"""The network folder: read every file, validate it, and build the network it describes.

    files ─read→ text ─yaml, tables→ trees with lines ─validate→ Documents ─folder→ Network

Only this package opens files of the folder. Nothing stops at the first fault.
"""
