"""Verify: V1 on desired or read-back rules, V2 what devices hold, V3 probes through the lab; verdicts are kept."""

from __future__ import annotations
