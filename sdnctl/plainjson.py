"""JSON from outside: whatever is no document is a ValueError, and nothing else.

The parser of the standard library raises RecursionError where brackets are nested too deep, and reads halves of
surrogate pairs, which nothing can write again.
"""

from __future__ import annotations

import json
import re
from typing import Any

_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(data: str | bytes, **how: Any) -> Any:
    """The value of a JSON text, UTF-8 where it is octets; raises ValueError that says what is wrong with it.

    `how` numbers are made (``parse_float``, ``parse_int``) is as for `json.loads`.
    """
    text = data if isinstance(data, str) else data.decode()
    try:
        value = json.loads(text, **how)
        if _HALF.search(text):
            json.dumps(json.loads(text), ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    except UnicodeEncodeError:
        raise ValueError("half of a surrogate pair stands alone") from None
    return value


def whole(value: Any) -> int:
    """The value, if it is a whole number; raises ValueError."""
    if type(value) is not int:
        raise ValueError(f"{value!r} is not a whole number")
    return value
