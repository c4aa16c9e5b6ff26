"""The plant as GeoJSON (RFC 7946), and back: sites, chambers, segments, ducts, cables, closures, loops and
outlines.

    documents + keepsake ─ layers ─► features ─ write ─► bytes
    bytes ─ read ─► features ─ mapping ─► placing ─► objects ─► documents + keepsake ─ grading ─► findings

What a network folder has no place for (properties and features that nobody here knows, altitudes) is the
*keepsake*, a file beside the inventory; an export gives it back as it came.
"""
