"""What a fibre team asks: `whatif` and the verbs of `inventory`. Each answer looks as a module of its own says."""

from __future__ import annotations

from sdnctl.cli.fibre import boxes, measuring, verbs, works

__all__ = ["boxes", "measuring", "verbs", "works"]
