"""Rules about light: connectors that do not mate, links without margin, figures that nobody has read."""

from __future__ import annotations

from collections.abc import Iterator

from sdnctl.inventory.checking.finding import Hit
from sdnctl.inventory.checking.subject import Subject
from sdnctl.inventory.models import TransceiversFile
from sdnctl.inventory.naming import link_names
from sdnctl.inventory.plant import OdfPosition, PortEnd

MISMATE = 3.5
"""dB that an angled ferrule on a flat one loses, about."""
THIN = 1.0
"""dB of margin below which the next repair splice, or a summer, may darken a link."""
TRANSCEIVERS = "inventory/transceivers.yaml"


def polish(connector: str) -> str:
    """The polish of a connector such as ``SC/APC``, empty where it is not said."""
    kind, _, end = connector.upper().partition("/")
    return end or next((word for word in ("APC", "UPC") if word in kind), "")


def mismated(s: Subject) -> Iterator[Hit]:
    """Patch cords between frames whose connectors are polished unlike."""
    for jumper in s.plant.jumpers:
        if not (isinstance(jumper.a, OdfPosition) and isinstance(jumper.b, OdfPosition)):
            continue
        one, two = (polish(s.plant.odfs[end.odf].connector) for end in (jumper.a, jumper.b))
        if one and two and one != two and "APC" in (one, two):
            yield Hit(
                f"jumper {jumper.a} – {jumper.b}",
                jumper.origin,
                f"a cord joins {one} at {jumper.a} and {two} at {jumper.b}",
                f"Unless it is a hybrid cord, an angled ferrule meets a flat one: about {MISMATE} dB, "
                "and scratches on both.",
                "Look at the colours of its plugs (green is APC, blue UPC), or measure.",
            )


def thin(s: Subject) -> Iterator[Hit]:
    """Links that close, but with next to no margin."""
    for name, link in zip(link_names(s.plant, s.links), s.links, strict=True):
        margin = min((figures.margin for figures in link.budgets), default=None)
        if link.usable and margin is not None and margin < THIN:
            yield Hit(
                f"link {name}",
                link.origin,
                f"{name} has a margin of {margin:.1f} dB",
                f"A repair adds two splices, 0.4 dB at most; below {THIN:.0f} dB little else may happen. "
                f"It is {link.length / 1000:.1f} km long.",
                f"`sdnctl inventory budget {name} --cheapest` names optics that reach farther.",
            )


def unknown_optics(s: Subject) -> Iterator[Hit]:
    """Ports with glass, of which nobody wrote what is plugged in."""
    patched = {(end.switch, end.port) for end in s.plant.jumper_at if isinstance(end, PortEnd)}
    for name, number in sorted(patched):
        switch = s.plant.switches[name]
        port = switch.ports[number]
        if port.transceiver is None and port.life.in_service() and switch.life.in_service():
            yield Hit(
                f"switch {name} port {number}",
                port.origin,
                f"the optics of {name}:{number} are not known",
                "Its budget cannot be told, nor whether it overloads the other end.",
                "Name its transceiver; `sdnctl inventory check --live` reads what is plugged in.",
            )


def unread_figures(s: Subject) -> Iterator[Hit]:
    """Kinds of optics in use whose figures nobody has read in a source."""
    document = s.documents.get(TRANSCEIVERS)
    if document is None or not isinstance(document.value, TransceiversFile):
        return
    ports = [port for switch in s.plant.switches.values() for port in switch.ports.values()]
    for number, kind in enumerate(document.value.transceivers):
        count = sum(port.transceiver == kind.id for port in ports)
        if kind.confidence == "memory-verify" and count:
            yield Hit(
                f"transceiver {kind.id}",
                document.at("transceivers", number),
                f"the figures of {kind.id}, in {count} ports, were not read in a source",
                "Budgets of its links are as good as these figures.",
                "Read them in its data sheet, and write confidence: retrieved.",
            )
