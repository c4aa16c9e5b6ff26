"""XML from strangers as a stream of events with line numbers: no document types, no entities, bounded depth.

Expat reads the text; a document type declaration ends it, because that is where entities come from (a billion
laughs, files of this machine, addresses in the network).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol
from xml.parsers import expat

DEEPEST = 64


class XmlFault(Exception):
    """The text is not XML that we read: the line, and why."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.line, self.why = line, why


class Handler(Protocol):
    """What a reader does with elements; names are without namespace."""

    def start(self, name: str, attributes: dict[str, str], line: int) -> None:
        """An element begins."""

    def end(self, name: str, text: str, line: int) -> None:
        """An element ends; `text` is all character data directly in it."""


@dataclass(slots=True)
class _Stack:
    texts: list[list[str]] = field(default_factory=list)


def read_xml(content: bytes, handler: Handler) -> None:
    """Feed a document to a handler; raises XmlFault."""
    parser = expat.ParserCreate(namespace_separator=" ")
    stack = _Stack()

    def line() -> int:
        return parser.CurrentLineNumber

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(stack.texts) >= DEEPEST:
            raise XmlFault(line(), f"elements are nested more than {DEEPEST} deep")
        stack.texts.append([])
        handler.start(_local(name), {_local(key): value for key, value in attributes.items()}, line())

    def end(name: str) -> None:
        handler.end(_local(name), "".join(stack.texts.pop()), line())

    def characters(text: str) -> None:
        if stack.texts:
            stack.texts[-1].append(text)

    def doctype(*_: object) -> None:
        raise XmlFault(line(), "a document type declaration is refused: it could define entities")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = doctype
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise XmlFault(error.lineno, f"not XML: {expat.errors.messages[error.code]}") from None
    except (ValueError, LookupError) as error:  # an encoding that is declared and not known, or does not fit
        raise XmlFault(line(), f"not XML: {error}") from None


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
