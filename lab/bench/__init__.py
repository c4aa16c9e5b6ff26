"""Measurements: every figure beside a reference measured in the same run, and their ratio."""
