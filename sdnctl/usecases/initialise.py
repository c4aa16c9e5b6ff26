"""Make a network folder from an example that ships with the package."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from sdnctl.errors import Diagnostic, InputError

_PACKAGE = Path(__file__).resolve().parent.parent


_PARTS = ("network.yaml", "inventory", "topology", "intents")
"""What of a checkout is the reference network: its top-level folders of data."""


def _examples() -> dict[str, Path]:
    """Examples by name: in the wheel under ``sdnctl/scaffold``, in a checkout under ``lab/examples`` and above."""
    found: dict[str, Path] = {}
    checkout = _PACKAGE.parent
    for root in (checkout / "lab" / "examples", _PACKAGE / "scaffold"):
        if root.is_dir():
            found.update({folder.name: folder for folder in root.iterdir() if (folder / "network.yaml").is_file()})
    if (checkout / "lab" / "reference").is_dir() and (checkout / "network.yaml").is_file():
        found["reference"] = checkout
    return dict(sorted(found.items()))


def _copy(example: Path, folder: Path) -> None:
    """Copy what belongs to a network; of a checkout only its folders of data."""
    ignored = shutil.ignore_patterns(".sdnctl", "__pycache__")
    if example != _PACKAGE.parent:
        shutil.copytree(example, folder, ignore=ignored)
        return
    folder.mkdir()
    for part in _PARTS:
        if (example / part).is_dir():
            shutil.copytree(example / part, folder / part, ignore=ignored)
        else:
            shutil.copy(example / part, folder / part)


_PIPELINES = {
    "gitlab": ("gitlab-ci.yml", ".gitlab-ci.yml"),
    "github": ("github.yml", ".github/workflows/network.yml"),
}
"""Pipeline → its file among ours, and the place where the forge looks for it."""


def _pipeline(folder: Path, name: str) -> None:
    """Add a pipeline, and what it comments with."""
    checkout, wheel = _PACKAGE.parent / "lab" / "pipelines", _PACKAGE / "scaffold" / "pipelines"
    source = checkout if checkout.is_dir() else wheel
    file, place = _PIPELINES[name]
    for written, target in ((file, place), ("comment.py", "ci/comment.py")):
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / written, folder / target)


def _in_use(folder: Path) -> bool:
    """Whether there is something that `init` could get in the way of; a fresh git repository is not."""
    return folder.exists() and (not folder.is_dir() or any(one.name != ".git" for one in folder.iterdir()))


def initialise(folder: Path, example: str, pipeline: str | None = None) -> tuple[Path, ...]:
    """Copy an example to `folder`; returns the files made, relative to it. All of them, or nothing.

    `pipeline`: add one for this forge (gitlab, github). Raises InputError when the example or the forge is not
    known, or the folder has something in it.
    """
    if pipeline is not None and pipeline not in _PIPELINES:
        raise InputError(
            Diagnostic(
                "no-such-pipeline",
                f"there is no pipeline for {pipeline!r}",
                hint=f"there are: {', '.join(_PIPELINES)}; docs/pipelines.md shows their steps for others",
            )
        )
    examples = _examples()
    if example not in examples:
        raise InputError(
            Diagnostic(
                "no-such-example", f"there is no example {example!r}", hint=f"there are: {', '.join(examples)}"
            )
        )
    if _in_use(folder):
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
            _copy(examples[example], copy)
            (copy / ".gitignore").write_text(".sdnctl/\n", encoding="utf-8")
            if pipeline is not None:
                _pipeline(copy, pipeline)
            for entry in (copy, *copy.rglob("*")):
                entry.chmod(0o755 if entry.is_dir() else 0o644)
            if folder.exists():  # it may be where the user stands: filled, not replaced, network.yaml last
                for entry in sorted(copy.iterdir(), key=lambda entry: entry.name == "network.yaml"):
                    os.replace(entry, folder / entry.name)
            else:
                os.replace(copy, folder)
    except OSError as error:
        raise InputError(Diagnostic("cannot-write", f"{folder} cannot be made", detail=str(error))) from error
    files = (file.relative_to(folder) for file in folder.rglob("*") if file.is_file())
    return tuple(sorted(file for file in files if file.parts[0] != ".git"))
