"""The reference network as code: `python -m lab.reference [DIR]` writes it, byte for byte the same each time."""
