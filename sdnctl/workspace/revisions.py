"""A network folder as it was committed, or as it is staged: its files, read through git into another folder.

The working tree is neither read nor touched. Only the files of a network folder are taken, as they are in the
repository (no filters, no ends of lines converted). Symbolic links become what they point to.
"""

from __future__ import annotations

import os
import posixpath
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sdnctl.errors import Diagnostic, InputError, Source
from sdnctl.workspace.convention import FOLDERS, NETWORK

_LINK, _FILES = "120000", ("100644", "100755", "120000")
_TREE, _SUBMODULE = "040000", "160000"
_MOST_LINKS = 8


@dataclass(frozen=True, slots=True)
class _Entry:
    mode: str
    blob: str
    path: str  # from the top of the repository


def export_revision(folder: Path, revision: str, into: Path) -> str:
    """Write the network `folder` as it is at a git revision into an empty folder; returns the commit.

    Raises InputError where there is no git repository, no such revision, or no network in it.
    """
    commit = _git(
        folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", may=True
    )
    if commit is None:
        begun = _git(folder, "rev-parse", "--verify", "--quiet", "HEAD", may=True) is not None
        hint = "name a commit, branch or tag; a shallow clone has few: `git fetch --unshallow`"
        raise InputError(
            Diagnostic(
                "no-such-revision",
                f"git knows no revision {revision!r} here",
                hint=hint
                if begun
                else "nothing is committed on this branch yet: `git commit` makes the first one",
            )
        )
    prefix, name = _prefix(folder), commit.decode().strip()
    listed = _git(folder, "ls-tree", "-r", "-z", "--full-tree", name, "--", *_paths(prefix))
    entries = [_Entry(mode, blob, path) for (mode, _, blob), path in _rows(listed)]
    _export(folder, name, entries, prefix, into, f"the revision {revision}")
    return name


def export_staged(folder: Path, into: Path) -> None:
    """Write the network `folder` as it is staged for the next commit into an empty folder; raises InputError."""
    prefix = _prefix(folder)
    listed = _git(folder, "ls-files", "--stage", "-z", "--full-name", "--", *_paths(""))
    rows = _rows(listed)
    unmerged = sorted({path for (_, _, stage), path in rows if stage != "0"})
    if unmerged:
        raise InputError(
            *(
                Diagnostic(
                    "unmerged", "the file has conflicts", source=Source(path), hint="resolve them, then `git add`"
                )
                for path in unmerged
            )
        )
    entries = [_Entry(mode, blob, path) for (mode, blob, _), path in rows]
    _export(folder, "", entries, prefix, into, "what is staged")


def top_of(folder: Path) -> Path | None:
    """The top of the working tree that a folder is in, None where it is in none."""
    try:
        found = _git(folder, "rev-parse", "--show-toplevel", may=True)
    except InputError:
        return None
    return Path(os.fsdecode(found).rstrip("\n")) if found else None


def start_repository(folder: Path) -> None:
    """Make an empty repository of a folder; its first branch is called as this machine's git is told to."""
    _git(folder, "init", "--quiet", literal=False)


def hook_path(folder: Path, name: str) -> Path:
    """Where git looks for a hook; raises InputError where there is no repository."""
    found = os.fsdecode(_need(folder, "rev-parse", "--git-path", f"hooks/{name}")).rstrip("\n")
    return (folder / found).absolute()


# ── inside ───────────────────────────────────────────────────────────────────────────────────────


def _paths(prefix: str) -> list[str]:
    return [f"{prefix}{name}" for name in (NETWORK, *FOLDERS)]


def _prefix(folder: Path) -> str:
    """The folder's place in the repository, with a slash behind it; "" at its top."""
    return os.fsdecode(_need(folder, "rev-parse", "--show-prefix")).rstrip("\n")


def _rows(listed: bytes | None) -> list[tuple[tuple[str, str, str], str]]:
    rows = []
    for row in os.fsdecode(listed or b"").split("\0"):
        if row:
            head, _, path = row.partition("\t")
            one, two, three = head.split(" ")
            rows.append(((one, two, three), path))
    return rows


def _export(folder: Path, commit: str, entries: Iterable[_Entry], prefix: str, into: Path, what: str) -> None:
    """Write the entries that lie in the folder or one below it; names that leave it cannot come from git add."""
    wanted = []
    for entry in entries:
        parts = entry.path.removeprefix(prefix).split("/")
        if entry.mode == _SUBMODULE and len(parts) <= 2:  # left out, its part of the network would seem removed
            raise InputError(
                Diagnostic(
                    "network-in-submodule",
                    f"in {what}, a part of the network is a submodule: its files are in another repository",
                    source=Source(entry.path),
                    hint="commit the files themselves; or have the whole network folder in the submodule",
                )
            )
        if entry.mode in _FILES and len(parts) <= 2 and not {"", ".", ".."} & set(parts):
            wanted.append(_followed(folder, commit, entry))
    if not wanted:
        raise InputError(
            Diagnostic(
                "no-network-there",
                f"{what} has no network in {prefix or 'its top folder'}",
                hint="--network DIR names the folder; was it committed (or added) there?",
            )
        )
    for (path, _), content in zip(wanted, _blobs(folder, [blob for _, blob in wanted]), strict=True):
        place = into / path.removeprefix(prefix)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def _followed(folder: Path, commit: str, entry: _Entry) -> tuple[str, str]:
    """The path of an entry, and the blob with its content: where it is a link, of what it points to."""
    mode, blob, path = entry.mode, entry.blob, entry.path
    for _ in range(_MOST_LINKS):
        if mode != _LINK:
            return entry.path, blob
        target = os.fsdecode(_blobs(folder, [blob])[0])
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        where = (
            ["ls-tree", "-z", "--full-tree", commit, "--"] if commit else ["ls-files", "-s", "-z", "--full-name"]
        )
        inside = not target.startswith("/") and not path.startswith("../")
        found = (
            _rows(_git(folder, *where, path if commit else f":/{path}", literal=bool(commit))) if inside else []
        )
        if len(found) != 1:
            break
        (mode, second, third), _ = found[0]
        if mode == _TREE:
            break
        blob = third if commit else second
    raise InputError(
        Diagnostic(
            "link-leads-nowhere",
            "the symbolic link leads to no file of the repository",
            source=Source(entry.path),
            hint="commit the file itself, or the folder",
        )
    )


def _blobs(folder: Path, names: Sequence[str]) -> list[bytes]:
    """Contents of blobs, in their order."""
    found = _need(folder, "cat-file", "--batch", data="".join(f"{name}\n" for name in names).encode())
    contents = []
    position = 0
    for _ in names:
        end = found.index(b"\n", position)
        if found.endswith(b" missing", position, end):
            name = found[position:end].split(b" ")[0].decode()
            hint = "`git fsck` says what is missing; `git fetch` gets it where this is a partial clone"
            raise InputError(Diagnostic("git-failed", f"the repository lacks the object {name}", hint=hint))
        size = int(found[position:end].split(b" ")[2])
        contents.append(found[end + 1 : end + 1 + size])
        position = end + size + 2
    return contents


def _need(folder: Path, *arguments: str, data: bytes = b"") -> bytes:
    found = _git(folder, *arguments, data=data)
    assert found is not None  # without `may`, a failure is an error
    return found


def _git(
    folder: Path, *arguments: str, data: bytes = b"", may: bool = False, literal: bool = True
) -> bytes | None:
    """What git prints; None where it fails and `may`. Raises InputError with what it says otherwise."""
    options = ["--literal-pathspecs"] if literal else []
    try:
        done = subprocess.run(
            ["git", "-C", str(folder.absolute()), *options, *arguments],
            input=data,
            capture_output=True,
            env=_environment(),
            check=False,
        )
    except OSError as error:
        raise InputError(
            Diagnostic("no-git", "git cannot be run", detail=str(error), hint="install git, or correct PATH")
        ) from error
    if done.returncode == 0:
        return done.stdout
    if may:
        return None
    said = done.stderr.decode("utf-8", "replace").strip()
    raise InputError(
        Diagnostic("git-failed", "git says no", detail=said, hint="is the folder part of a git repository?")
    )


def _environment() -> dict[str, str]:
    """Git's own variables, relative in hooks, for a git that runs in another folder; messages in English."""
    found = {**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
        if name in found:
            found[name] = os.path.abspath(found[name])
    return found
