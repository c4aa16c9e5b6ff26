"""Demands to paths to labels to rules: passes over an immutable IR (`ir.py`), wired in `pipeline.py`."""
