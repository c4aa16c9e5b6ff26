"""Writes the reference network: `python -m lab.reference [DIR]`, by default over the committed files."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from lab.reference.plant import build


def main(folder: Path) -> None:
    """Write plant and services to a network folder."""
    plant = build()
    for name, text in plant.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    if importlib.util.find_spec("lab.reference.services") is not None:
        importlib.import_module("lab.reference.services").write(plant, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2])
