"""A runner of pipelines without a forge: steps of GitLab CI and GitHub Actions in a shell, artefacts handed over.

Steps run by `sh` or `bash` as runners do it, in a fresh clone for each job. The programs they call are stand-ins
on the path: `sdnctl` is the program in this process (its folder, environment and streams are the step's), `pip`
does nothing. Comments go to a forge of our own on loopback.
"""

from __future__ import annotations

import contextlib
import fnmatch
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

import yaml
from sdnctl_in_process import Net, new_net, sdnctl

_CLIENT = """#!{python} -IS
import json, os, socket, sys
there = socket.socket(socket.AF_UNIX)
there.connect({address!r})
asked = {{"arguments": sys.argv[1:], "folder": os.getcwd(), "environment": dict(os.environ)}}
with there, there.makefile("rwb") as stream:
    stream.write(json.dumps(asked).encode() + b"\\n")
    stream.flush()
    answer = json.loads(stream.readline())
sys.stdout.write(answer["out"])
sys.stderr.write(answer["err"])
sys.exit(answer["code"])
"""


class StepFailed(AssertionError):
    """A step ended with an error; `said` is what it printed."""

    def __init__(self, step: str, said: str) -> None:
        super().__init__(f"{step}\n{said}")
        self.said = said


@dataclass
class Runner:
    """Runs the jobs of a repository. `kept`: artefacts, by their path in the job's folder."""

    repository: Path
    work: Path
    environment: Mapping[str, str]
    kept: dict[str, bytes] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        tools = self.work / "bin"
        tools.mkdir(parents=True)
        self._address = str(self.work / "sdnctl.sock")
        self._tool(tools / "sdnctl", _CLIENT.format(python=sys.executable, address=self._address))
        self._tool(tools / "pip", "#!/bin/sh\nexit 0\n")
        self._tool(tools / "python", f'#!/bin/sh\nexec {sys.executable} -IS "$@"\n')
        self._path = f"{tools}{os.pathsep}{os.environ['PATH']}"
        self._jobs = 0

    @staticmethod
    def _tool(place: Path, text: str) -> None:
        place.write_text(text, encoding="utf-8")
        place.chmod(0o755)

    # ── jobs ─────────────────────────────────────────────────────────────────────────────────────

    def gitlab(self, name: str, revision: str, **variables: str) -> None:
        """A job of ``.gitlab-ci.yml``, with the artefacts of those before it."""
        folder = self.clone(revision)
        pipeline = yaml.safe_load((folder / ".gitlab-ci.yml").read_text(encoding="utf-8"))
        job = pipeline[name]
        environment = {**{key: str(value) for key, value in pipeline["variables"].items()}, **variables}
        self._hand_over(folder)
        script = "\n".join([*pipeline["default"]["before_script"], *job["script"]])
        try:
            self.step(folder, ["bash", "-eo", "pipefail"], script, environment)
        finally:
            artifacts = job.get("artifacts", {})
            wanted = [*artifacts.get("paths", ()), *artifacts.get("reports", {}).values()]
            self._keep(folder, wanted)

    def github(self, name: str, revision: str, context: Mapping[str, str], **variables: str) -> None:
        """A job of GitHub Actions; `context`: expression → its value."""
        folder = self.clone(revision)
        pipeline = yaml.safe_load((folder / ".github/workflows/network.yml").read_text(encoding="utf-8"))
        job = pipeline["jobs"][name]
        for step in job["steps"]:
            uses, given = step.get("uses", ""), step.get("with", {})
            if uses.startswith("actions/download-artifact@"):
                self._hand_over(folder)
            elif uses.startswith("actions/upload-artifact@"):
                self._keep(folder, given["path"].split())
            elif uses.startswith("github/codeql-action/upload-sarif@"):
                self._keep(folder, [given["sarif_file"]])
            elif "run" in step:
                said = {**pipeline["env"], **job.get("env", {}), **step.get("env", {})}
                environment = {key: _expressions(str(value), context) for key, value in said.items()}
                self.step(folder, ["bash", "-eo", "pipefail"], step["run"], {**environment, **variables})
            else:
                assert re.match(r"actions/(checkout|setup-python)@v\d+$", uses), f"an action nobody knows: {step}"

    def clone(self, revision: str) -> Path:
        """A fresh clone at a revision, in a folder of its own."""
        self._jobs += 1
        folder = self.work / f"job {self._jobs}"
        subprocess.run(["git", "clone", "-q", self.repository, folder], check=True, capture_output=True)
        subprocess.run(["git", "-C", folder, "checkout", "-q", revision], check=True, capture_output=True)
        return folder

    def _hand_over(self, folder: Path) -> None:
        for name, content in self.kept.items():
            (folder / name).write_bytes(content)

    def _keep(self, folder: Path, patterns: list[str]) -> None:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and any(fnmatch.fnmatch(name, pattern) for pattern in patterns):
                self.kept[name] = path.read_bytes()

    # ── steps ────────────────────────────────────────────────────────────────────────────────────

    def step(self, folder: Path, shell: list[str], script: str, variables: Mapping[str, str]) -> None:
        """One script; StepFailed where it ends with an error."""
        home = self.work / "home"
        home.mkdir(exist_ok=True)
        base = {"PATH": self._path, "HOME": str(home), "LANG": "C.UTF-8", "COLUMNS": "80", "CI": "true"}
        with socket.socket(socket.AF_UNIX) as server:
            Path(self._address).unlink(missing_ok=True)
            server.bind(self._address)
            server.listen()
            server.settimeout(0.02)
            with subprocess.Popen(
                [*shell, "-c", script],
                cwd=folder,
                env={**base, **self.environment, **variables},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            ) as process:
                said: list[str] = []
                assert process.stdout is not None
                reader = threading.Thread(target=lambda: said.append(process.stdout.read()))
                reader.start()
                while process.poll() is None:
                    with contextlib.suppress(TimeoutError):
                        connection, _ = server.accept()
                        connection.settimeout(None)
                        _serve(connection)
                reader.join()
        self.log.append(said[0])
        if process.returncode:
            raise StepFailed(script, said[0])


def _expressions(text: str, context: Mapping[str, str]) -> str:
    """``${{ … }}`` as its value; one that the test does not know is an error."""
    return re.sub(r"\$\{\{\s*(.*?)\s*\}\}", lambda found: context[found[1]], text)


def _serve(connection: socket.socket) -> None:
    """Run one command where it was asked for."""
    with connection, connection.makefile("rwb") as stream:
        asked = json.loads(stream.readline())
        before = Path.cwd()
        os.chdir(asked["folder"])
        try:
            with mock.patch.dict(os.environ, asked["environment"], clear=True):
                done = sdnctl(*asked["arguments"])
        finally:
            os.chdir(before)
        stream.write(json.dumps({"out": done.out, "err": done.err, "code": done.code}).encode() + b"\n")


# ── a forge ──────────────────────────────────────────────────────────────────────────────────────


class Forge:
    """Comments of one merge request, behind the paths of GitLab and of GitHub; nothing without the token."""

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = [
            {"id": number, "body": f"looks good {number}"} for number in range(1, 131)
        ]
        self.requests: list[tuple[str, str]] = []

    @contextlib.contextmanager
    def serving(self) -> Iterator[str]:
        """Its address."""
        forge = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                size = int(self.headers.get("Content-Length", 0))
                body = json.loads(self.rfile.read(size)) if size else None
                token = self.headers.get("PRIVATE-TOKEN") or self.headers.get("Authorization", "")
                code, found = forge.handle(self.command, self.path, body, token)
                text = json.dumps(found).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_PATCH = answer  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:
                """Nothing is printed."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}"
            finally:
                server.shutdown()
                thread.join()

    def handle(self, method: str, path: str, body: Any, token: str) -> tuple[int, Any]:
        where, _, query = path.partition("?")
        self.requests.append((method, where))
        if token not in ("sesame", "Bearer sesame"):
            return 401, {"message": "401 Unauthorized"}
        if method == "GET":
            numbers = dict(part.split("=") for part in query.split("&"))
            first = (int(numbers["page"]) - 1) * int(numbers["per_page"])
            return 200, self.comments[first : first + int(numbers["per_page"])]
        if method == "POST":
            self.comments.append({"id": len(self.comments) + 1, "body": body["body"]})
            return 201, self.comments[-1]
        found = next(one for one in self.comments if one["id"] == int(where.rpartition("/")[2]))
        found["body"] = body["body"]
        return 200, found


# ── a repository ─────────────────────────────────────────────────────────────────────────────────


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


class Town:
    """A repository with a pipeline, switches of its network, and the store of whoever looks after them.

    Schools and flood sensors only: what is tried here is the way to the switches, not what is on it.
    """

    def __init__(self, folder: Path, forge: str) -> None:
        self.live = new_net(folder / "switches", example="small-links", slim=False)
        self.repository = Net(folder / "the repository", ("--store", f"sqlite:///{folder}/store.db"))
        git_folder = self.repository.folder
        git_folder.mkdir()
        git(git_folder, "init", "-q", "-b", "main")
        made = sdnctl("init", git_folder, "--example", "small-links", "--pipeline", forge)
        assert made.code == 0, made.err
        for name in ("video-protection", "enterprise"):
            self.repository.path(f"intents/{name}.yaml").unlink()
        equipment = self.repository.path("inventory/equipment.yaml")
        address = f'drivers: {{memory: "memory:{self.live.board.directory}"}}}}'
        lines = equipment.read_text().splitlines()
        equipment.write_text(
            "\n".join(f"{line[:-1]}, {address}" if "dpid" in line else line for line in lines) + "\n"
        )
        assert self.repository.ok("fmt").out.startswith("0 formatted")
        self.runner = Runner(git_folder, folder / "runner", {"SDNCTL_STORE": f"sqlite:///{folder}/store.db"})

    def commit(self, message: str) -> str:
        git(self.repository.folder, "add", "-A")
        git(self.repository.folder, "commit", "-q", "-m", message)
        return git(self.repository.folder, "rev-parse", "HEAD")

    def held(self) -> int:
        return sum(map(len, self.live.ours().values()))
