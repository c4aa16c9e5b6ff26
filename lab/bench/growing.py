"""Plants of many times the reference network's size, by a seed: copies side by side, varied and tied together.

What `tiling` lays beside itself gets readings of its own (losses of splices, by the seed), and a cable of 144
strands from each copy to the next, on frames at both ends, so that it is one plant and not so many. Rows of
splices stand in an order of their own too, because nothing may depend on it.
"""

from __future__ import annotations

import csv
import random
from pathlib import Path

from lab.bench.tiling import tile

KIND, STRANDS = "g652d-144", 144
USUAL, SPREAD = 0.06, 0.03
"""dB: mean and deviation of measured splices."""


def grow(source: Path, target: Path, copies: int, seed: int = 1) -> None:
    """Write a network folder with the inventory of `source` so many times; the same seed gives the same octets."""
    rng = random.Random(seed)
    tile(source, target, copies)
    inventory = target / "inventory"
    _vary(inventory / "splices.csv", rng)
    site, length = _first_site(inventory), 55_000
    ties = [
        (number, f"t{number}-{site}" if number else site, f"t{number + 1}-{site}") for number in range(copies - 1)
    ]
    with (inventory / "cables.csv").open("a", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        for number, a, b in ties:
            out.writerow((f"tie-{number}", KIND, a, b, "", f"{length + rng.randint(0, 2000)} m", ""))
    with (inventory / "odfs.yaml").open("a", encoding="utf-8") as file:
        for number, a, b in ties:
            for end, at in (("a", a), ("b", b)):
                file.write(f"- {{id: odf-tie-{number}-{end}, site: {at}, grade: B, positions: {STRANDS}}}\n")
    with (inventory / "terminations.csv").open("a", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        for number, _, _ in ties:
            for end in "ab":
                out.writerow((f"odf-tie-{number}-{end}", f"1-{STRANDS}", f"tie-{number}:1-{STRANDS}"))


def _first_site(inventory: Path) -> str:
    """The site that the file of sites begins with."""
    for line in (inventory / "sites.yaml").read_text(encoding="utf-8").splitlines():
        if line.lstrip("- ").startswith("id:"):
            return line.partition("id:")[2].strip()
    raise ValueError("there is no site")


def _vary(table: Path, rng: random.Random) -> None:
    """Losses of splices by chance, rows shuffled."""
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = list(rows[0])
    for row in rows:
        if row["loss"]:
            row["loss"] = f"{min(max(rng.gauss(USUAL, SPREAD), 0.01), 0.2):.2f} dB"
    rng.shuffle(rows)
    with table.open("w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, names)
        out.writeheader()
        out.writerows(rows)
