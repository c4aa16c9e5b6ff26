"""A mkdocs hook: links of a page that leave `docs/` lead to a copy of the file in the guide.

In the repository such a link is relative (`../lab/pipelines/github.yml`). The guide takes the file along as text
that a browser shows, so that it needs no network and no address of the repository; a file that is not there
stays a broken link, which a strict build refuses.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

LINK = re.compile(r"\]\((?P<path>(?:\.\./)+[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")
FOLDER = "repository"


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page with links into the guide only."""
    root = Path(config.docs_dir).parent
    here = posixpath.dirname(page.file.src_uri)

    def taken_along(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", here, link["path"]))
        if path.startswith(("docs/", "..")) or not (root / path).is_file():
            return link[0]
        target = f"{FOLDER}/{path}.txt"
        if files.get_file_from_path(target) is None:
            files.append(File.generated(config, target, content=(root / path).read_text(encoding="utf-8")))
        return f"]({posixpath.relpath(target, here or '.')})"

    return LINK.sub(taken_along, markdown)
