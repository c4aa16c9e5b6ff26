"""Puts a Markdown file on the merge request that this pipeline is for, in place of what it said there before.

    python ci/comment.py plan.md

The file's first line is a mark that nobody sees; the comment that begins with it is updated, else one is added.
Needs nothing but Python. Works in GitLab CI and GitHub Actions, with a token in COMMENT_TOKEN; anywhere else, in a
pipeline that is for no merge request, or without a token, it says so and ends well.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

PER_PAGE = 100


class Forge:
    """Where comments are: `comments` lists and adds, `comment` (with a number in it) replaces one."""

    def __init__(self, comments: str, comment: str, header: str, method: str) -> None:
        self.comments, self.comment = comments, comment
        self.method = method
        name, _, value = header.partition(": ")
        self.headers = {name: value, "Content-Type": "application/json", "Accept": "application/json"}

    def ask(self, method: str, url: str, body: dict[str, str] | None = None) -> list[dict[str, object]]:
        """One request; raises OSError where the forge refuses it."""
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(url, data, self.headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            found = json.load(answer)
        return found if isinstance(found, list) else [found]

    def all(self) -> Iterator[dict[str, object]]:
        """Every comment there is, oldest first."""
        page = 1
        while True:
            found = self.ask("GET", f"{self.comments}?per_page={PER_PAGE}&page={page}")
            yield from found
            if len(found) < PER_PAGE:
                return
            page += 1

    def put(self, text: str) -> str:
        """Replace the comment that begins with the same line, or add one; returns what was done."""
        mark = text.partition("\n")[0]
        for one in self.all():
            if str(one.get("body", "")).partition("\n")[0].strip() == mark:
                self.ask(self.method, self.comment.format(one["id"]), {"body": text})
                return "updated"
        self.ask("POST", self.comments, {"body": text})
        return "added"


def forge(environment: dict[str, str]) -> Forge | None:
    """The forge whose pipeline this is, None where there is no merge request, or no token."""
    token = environment.get("COMMENT_TOKEN", "")
    if not token:
        return None
    number = environment.get("CI_MERGE_REQUEST_IID")
    if number:
        project = f"{environment['CI_API_V4_URL']}/projects/{environment['CI_PROJECT_ID']}"
        notes = f"{project}/merge_requests/{number}/notes"
        return Forge(notes, f"{notes}/{{}}", f"PRIVATE-TOKEN: {token}", "PUT")
    event = environment.get("GITHUB_EVENT_PATH", "")
    if environment.get("GITHUB_EVENT_NAME") == "pull_request" and event:
        number = json.loads(Path(event).read_text(encoding="utf-8"))["pull_request"]["number"]
        base = f"{environment['GITHUB_API_URL']}/repos/{environment['GITHUB_REPOSITORY']}/issues"
        header = f"Authorization: Bearer {token}"
        return Forge(f"{base}/{number}/comments", f"{base}/comments/{{}}", header, "PATCH")
    return None


def main() -> int:
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    there = forge(dict(os.environ))
    if there is None:
        print("no merge request to comment on, or no COMMENT_TOKEN")
        return 0
    try:
        print(f"the comment is {there.put(text)}")
    except OSError as error:
        print(f"the comment could not be written: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
