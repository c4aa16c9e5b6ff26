"""What a configuration holds of secrets that sdnctl does not know: hidden by the word in front of them."""

from __future__ import annotations

import re

from sdnctl.southbound.references import MASK

_SECRET = re.compile(
    r"\b(password|secret|key|md5|sha\d*|community|passphrase|authentication|key-string)\b[ \t]+\S.*", re.IGNORECASE
)


def mask(text: str) -> str:
    """A configuration, or lines of one, without what follows words such as ``secret`` on their line."""
    return _SECRET.sub(rf"\1 {MASK}", text)
