"""Make a network folder from an example that ships with the package."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from sdnctl.errors import Diagnostic, InputError

_PACKAGE = Path(__file__).resolve().parent.parent


def _examples() -> dict[str, Path]:
    """Examples by name: in the wheel under ``sdnctl/scaffold``, in a checkout under ``lab/examples``."""
    found: dict[str, Path] = {}
    for root in (_PACKAGE.parent / "lab" / "examples", _PACKAGE / "scaffold"):
        if root.is_dir():
            found.update({folder.name: folder for folder in root.iterdir() if (folder / "network.yaml").is_file()})
    return dict(sorted(found.items()))


def initialise(folder: Path, example: str) -> tuple[Path, ...]:
    """Copy an example to `folder`; returns the files made, relative to it. All of them, or nothing.

    Raises InputError when the example is not known or the folder has something in it.
    """
    examples = _examples()
    if example not in examples:
        raise InputError(
            Diagnostic(
                "no-such-example", f"there is no example {example!r}", hint=f"there are: {', '.join(examples)}"
            )
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(
            Diagnostic(
                "folder-not-empty",
                f"{folder} exists and is not an empty folder",
                hint="choose another name, or empty it yourself: init overwrites nothing",
            )
        )
    try:
        place = folder.resolve()
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{place.name}.") as made:
            copy = Path(made) / "network"
            shutil.copytree(examples[example], copy, ignore=shutil.ignore_patterns(".sdnctl", "__pycache__"))
            (copy / ".gitignore").write_text(".sdnctl/\n", encoding="utf-8")
            for entry in (copy, *copy.rglob("*")):
                entry.chmod(0o755 if entry.is_dir() else 0o644)
            if folder.exists():  # it may be where the user stands: filled, not replaced, network.yaml last
                for entry in sorted(copy.iterdir(), key=lambda entry: entry.name == "network.yaml"):
                    os.replace(entry, folder / entry.name)
            else:
                os.replace(copy, folder)
    except OSError as error:
        raise InputError(Diagnostic("cannot-write", f"{folder} cannot be made", detail=str(error))) from error
    return tuple(sorted(file.relative_to(folder) for file in folder.rglob("*") if file.is_file()))
