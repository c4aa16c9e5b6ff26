"""What templates are put together from: octets that are always the same, and numbers between them.

Thousands of rules have the same *shape*: the same match fields and the same actions, with other numbers. For each
shape one `struct` and one generated function are made, once; `flow_out` packs flow_mods with them and `flow_in`
reads flow statistics. The loops in `flow.py`, `oxm.py` and `actions.py` stay the definition of what is
correct: what no template fits goes through them, and so does everything that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Any, TypeVar

T = TypeVar("T")

# How a value of so many octets is packed: struct codes, and bits of the lower number where there are two.
LAYOUTS = {1: ("B", 0), 2: ("H", 0), 4: ("I", 0), 6: ("HI", 32), 8: ("Q", 0), 16: ("QQ", 64)}

TELLING = frozenset({"eth_type", "ip_proto", "icmpv6_type", "arp_op"})
"""Fields whose value belongs to the shape: few values, and other fields follow from them."""


class Sketch:
    """A message in the making: fixed octets and the expressions, or names, of the numbers between them."""

    def __init__(self) -> None:
        self._parts: list[bytes | tuple[str, str]] = []

    def octets(self, data: bytes) -> None:
        """Octets that are the same in every message of the shape."""
        if self._parts and isinstance(self._parts[-1], bytes):
            data = self._parts.pop() + data  # type: ignore[operator]
        self._parts.append(data)

    def number(self, code: str, expression: str) -> None:
        """One number, by its struct code (``x``: octets that do not matter)."""
        self._parts.append((code, expression))

    def done(self, names: dict[str, Any]) -> tuple[Struct, list[str]]:
        """The struct of it all and its arguments in order; fixed octets become constants in `names`."""
        layout, arguments = "!", []
        for number, part in enumerate(self._parts):
            if isinstance(part, bytes):
                layout += f"{len(part)}s"
                names[f"k{number}"] = part
                arguments.append(f"k{number}")
            else:
                layout += part[0]
                if not part[0].endswith("x"):
                    arguments.append(part[1])
        return Struct(layout), arguments


def generated(source: str, names: dict[str, Any]) -> Callable[..., Any]:
    """The function ``f`` of a source; names and numbers in it come from the codec's tables, none from a peer."""
    exec(compile(source, "<template>", "exec"), names)
    made: Callable[..., Any] = names["f"]
    return made


class Templates:
    """Generated functions by a key that is quick to tell, the one that fitted last in front; bounded."""

    PER_KEY, LIMIT = 16, 512

    def __init__(self) -> None:
        self.known: dict[Any, list[Callable[..., Any]]] = {}
        self._shapes: set[object] = set()

    def wants(self, key: object, shape: object) -> bool:
        """Whether a template for a shape is still missing and there is room for it; it then counts as made."""
        if shape in self._shapes or len(self._shapes) >= self.LIMIT:
            return False
        if len(self.known.get(key, ())) >= self.PER_KEY:
            return False
        self._shapes.add(shape)
        return True

    def add(self, key: object, template: Callable[..., Any]) -> None:
        self.known.setdefault(key, []).insert(0, template)
