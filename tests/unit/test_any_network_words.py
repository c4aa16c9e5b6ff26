"""The product knows no network: no name of the reference is in `sdnctl/`, and nothing there needs its files."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

from any_network import FOLDERS, ROOT

COMMUNES = ROOT / "lab" / "reference" / "communes.csv"
ENGLISH = {"fons"}
"""Communes whose names, in small letters, are words of another language that code may use."""
BINARY = (".pyc", ".png", ".woff2")


def plain(text: str) -> str:
    """Small letters without accents, words joined as in ids."""
    letters = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).lower()


def local_names() -> set[str]:
    """Communes, and what else is called after the place."""
    with COMMUNES.open(encoding="utf-8", newline="") as file:
        communes = {plain(row["name"]).replace(" ", "-").replace("'", "-") for row in csv.DictReader(file)}
    assert len(communes) == 39
    return (communes - ENGLISH) | {"nimes", "neticenter", "richelieu", "gardon"}


def texts(folder: Path) -> dict[Path, str]:
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in BINARY and "__pycache__" not in path.parts:
            found[path.relative_to(folder)] = path.read_text(encoding="utf-8", errors="replace")
    return found


def test_no_name_of_the_reference_network_is_in_the_product() -> None:
    names = local_names()
    word = re.compile(
        r"\b(" + "|".join(re.escape(name).replace(r"\-", "[- _']") for name in sorted(names)) + r")\b"
    )
    for said in ("Mairie de Nîmes", "com-saint-gilles", "Saint_Gilles", "NETICENTER"):
        assert word.search(plain(said)), said
    folders = [ROOT / "sdnctl", *sorted((ROOT / "plugins").glob("*/src"))]
    assert len(folders) > 1
    told = 0
    for folder in folders:
        for path, text in texts(folder).items():
            told += 1
            if path.parts[0] == "scaffold":
                continue  # data that `init` copies
            found = word.search(plain(text)) or word.search(plain(str(path)))
            assert found is None, f"{folder.name}/{path}: {found}"
    assert told > 150


def test_nothing_in_the_product_imports_what_makes_or_tests_networks() -> None:
    wrong = re.compile(r"^\s*(from|import)\s+(lab|tests|topohub)\b", re.MULTILINE)
    for path, text in texts(ROOT / "sdnctl").items():
        assert not wrong.search(text), path


def test_the_package_alone_reads_and_compiles_a_network(tmp_path: Path) -> None:
    """Without the checkout around it: no inventory, topology, intents or lab folder stands beside the package."""
    shutil.copytree(ROOT / "sdnctl", tmp_path / "alone" / "sdnctl", ignore=shutil.ignore_patterns("__pycache__"))
    folder = shutil.copytree(FOLDERS["small"], tmp_path / "net")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "alone"), "PYTHONDONTWRITEBYTECODE": "1"}
    program = (
        "import sys, sdnctl; assert sys.argv.pop(1) in sdnctl.__file__; from sdnctl.cli.app import run; run()"
    )
    for verb in (("validate",), ("compile", "-o", str(tmp_path / "rules.json"))):
        done = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / "alone"), "-n", str(folder), *verb],
            env=environment, cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "rules.json").stat().st_size > 1000
