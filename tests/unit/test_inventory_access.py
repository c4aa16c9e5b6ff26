"""Access lines: glass from a port to a customer's terminal, its figures, and all that can be wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from inventory_support import LIFE, documents, two_sites

from sdnctl.errors import Severity
from sdnctl.inventory.access import AccessLine, access_lines, crossing, lines_by_risk
from sdnctl.inventory.build import build_plant
from sdnctl.inventory.links import optical_links
from sdnctl.inventory.plant import OdfPosition, StrandEnd

Network = dict[str, Any]


def served() -> Network:
    """Two sites, and from k1 on their cable a drop of four strands to a wall box, lit by port 5 of switch sa.

    Strands 5 and 6 of the cable are cut at k1; the ones from site a are spliced to strands 1 and 2 of the drop.
    """
    network = two_sites()
    network["chambers"].append({"id": "w", "lon": 4.0012, "lat": 44.0, "kind": "wall-box", **LIFE})
    network["segments"].append(
        {"id": "k1-w", "a": "k1", "b": "w", "coordinates": [(4.001, 44.0), (4.0012, 44.0)], **LIFE}
    )
    network["cable-types"]["cable_types"].append({"id": "t4", "strands": 4, "helix": "0 %"})
    network["cables"]["cables"].append({"id": "dr", "type": "t4", "a": "k1", "b": "w", "route": ["k1-w"]})
    network["closures"]["closures"].append(
        {"id": "k", "at": "k1", "splices": [{"a": "c/a:5-6", "b": "dr:1-2", "loss": "0.1 dB"}]}
    )
    port(network).update(port=5, transceiver="lr", tx="odf-a:5", rx="odf-a:6")
    network["endpoints"] = [endpoint("cam-1"), endpoint("cam-2")]
    return network


def port(network: Network) -> dict[str, Any]:
    ports: list[dict[str, Any]] = network["equipment"]["switches"][0]["ports"]
    if len(ports) < 2:
        ports.append({})
    return ports[1]


def endpoint(name: str, **changes: Any) -> dict[str, Any]:
    row = {
        "id": name,
        "site": "a",
        "device": "sa",
        "port": 5,
        "kind": "camera",
        "prefixes": f"10.0.0.{name[-1]}/32",
        "terminal": "dr:1",
        **LIFE,
    }
    return {key: value for key, value in (row | changes).items() if value is not None}


def lines(network: Network, on: date | None = None) -> tuple[tuple[AccessLine, ...], list[str]]:
    plant, diagnostics = build_plant(documents(network))
    assert diagnostics.errors == []
    found, out = access_lines(plant, on)
    assert all(one.severity is Severity.WARNING and one.hint and one.source for one in out)
    return found, [one.code for one in out]


def errors(network: Network) -> list[tuple[str, str, str]]:
    _, diagnostics = build_plant(documents(network))
    assert all(one.hint for one in diagnostics.errors)
    return [(one.code, one.address, str(one.source)) for one in diagnostics.errors]


def test_a_line_is_followed_to_its_terminal() -> None:
    network = served()
    plant, _ = build_plant(documents(network))
    (line,), codes = lines(network)
    assert codes == []
    assert line.usable
    assert (line.switch, line.port, line.endpoints) == ("sa", 5, ("cam-1", "cam-2"))
    assert (line.terminal, line.place) == (StrandEnd("dr", 1, 1, "a"), "w")
    # 80 m from a to k1 (and 1 % helix), 16 m to the wall box, 5 m of jumper
    a_k1, drop = plant.segments["a-k1"].length, plant.segments["k1-w"].length
    assert line.length == pytest.approx(a_k1 * 1.01 + drop + 5)
    assert line.delay == pytest.approx(line.length * 1.4682 / 299.792458, rel=1e-6)
    down, up = line.losses
    assert [(one.direction, one.wavelength) for one in (down, up)] == [("down", 1310), ("up", 1310)]
    glass = (a_k1 * 1.01 + drop) / 1000
    assert (down.loss.min, down.loss.max) == pytest.approx((0.342 * glass + 0.1, 0.35 * glass + 0.1 + 0.5))
    assert crossing(plant, line) == type(crossing(plant, line))(
        frozenset({"a-k1", "k1-w"}),
        frozenset({"d"}),
        frozenset({"c", "dr"}),
        frozenset({"a", "k1", "w"}),
        frozenset({"k"}),
    )
    by_risk = lines_by_risk(plant, (line,))
    assert set(by_risk) == {
        *("segment:a-k1", "segment:k1-w", "duct:d", "cable:c", "cable:dr"),
        *("building:a", "chamber:k1", "chamber:w"),
    }
    assert set(by_risk.values()) == {(line,)}


def test_access_ports_are_no_links_and_need_no_far_end() -> None:
    plant, _ = build_plant(documents(served()))
    links, out = optical_links(plant)
    assert [link.address for link in links] == ["link sa:1 – sb:1"]
    assert list(out) == []


def test_one_strand_with_a_wavelength_each_way() -> None:
    network = served()
    bidi = network["transceivers"]["transceivers"][0] | {
        "id": "bx",
        "wavelength": "1550 nm",
        "rx_wavelength": "1310 nm",
    }
    network["transceivers"]["transceivers"].append(bidi)
    port(network).update(transceiver="bx", bidi="odf-a:5", tx=None, rx=None)
    (line,), codes = lines(network)
    assert codes == []
    assert len(line.chains) == 1
    assert [(one.direction, one.wavelength) for one in line.losses] == [("down", 1550), ("up", 1310)]
    assert line.losses[0].loss.max < line.losses[1].loss.max


def test_a_line_without_transceiver_has_no_losses_but_a_length() -> None:
    network = served()
    port(network).update(transceiver=None)
    (line,), codes = lines(network)
    assert (codes, line.losses) == ([], ())
    assert line.usable
    assert line.length > 90


def test_a_position_of_an_odf_at_a_customers_site_is_a_terminal_too() -> None:
    network = served()
    network["chambers"] = [row for row in network["chambers"] if row["id"] != "w"]
    network["sites"]["sites"].append({"id": "w", "kind": "customer", "position": (4.0012, 44.0)})
    network["odfs"]["odfs"].append(
        {
            "id": "odf-w",
            "site": "w",
            "positions": 2,
            "terminations": [{"positions": "1-2", "strands": "dr:1-2"}],
        }
    )
    network["endpoints"] = [endpoint("cam-1", terminal="odf-w:1")]
    (line,), codes = lines(network)
    assert (codes, line.terminal, line.place) == ([], OdfPosition("odf-w", 1), "w")
    network["endpoints"] = [endpoint("cam-1", terminal="odf-w:2")]
    assert lines(network)[1] == ["reversed-polarity"]


def unpatched(network: Network) -> None:
    port(network).update(rx=None)


def undescribed(network: Network) -> None:
    network["equipment"]["switches"][0]["ports"].pop()


def unspliced(network: Network) -> None:
    network["closures"]["closures"][0]["splices"] = [{"a": "c/a:5", "b": "dr:1"}]


def into_the_wrong_drop(network: Network) -> None:
    network["closures"]["closures"][0]["splices"] = [{"a": "c/a:5-6", "b": "dr:3-4"}]


def crossed(network: Network) -> None:
    port(network).update(tx="odf-a:6", rx="odf-a:5")


def broken_strand(network: Network) -> None:
    network["cables"]["cables"][1]["faults"] = [{"strands": "1", "at": "8 m", "note": "digger"}]


def planned_drop(network: Network) -> None:
    network["cables"]["cables"][1]["status"] = "planned"


def abandoned_closure(network: Network) -> None:
    network["closures"]["closures"][0]["status"] = "abandoned"


def not_yet(network: Network) -> None:
    network["cables"]["cables"][1]["valid_from"] = "2031-01-01"


def dark_position(network: Network) -> None:
    port(network).update(tx="odf-a:20")


def unknown_wavelength(network: Network) -> None:
    far = network["transceivers"]["transceivers"][0] | {"id": "far", "wavelength": "850 nm"}
    network["transceivers"]["transceivers"].append(far)
    port(network).update(transceiver="far")


def to_a_switch(network: Network) -> None:
    network["equipment"]["switches"][1]["ports"].append({"port": 7, "tx": "odf-b:7", "rx": "odf-b:8"})
    port(network).update(tx="odf-a:7", rx="odf-a:8")


@pytest.mark.parametrize(
    ("change", "codes", "said"),
    [
        (unpatched, ["access-line-dark"], "no jumper is plugged into sa:5/rx"),
        (undescribed, ["access-line-dark"], "the port is not described"),
        (unspliced, ["access-line-elsewhere"], "odf-b:6, not beside dr/a:1 at w"),
        (into_the_wrong_drop, ["access-line-elsewhere"], "dr/a:3, not at dr/a:1 at w"),
        (crossed, ["reversed-polarity"], "port sa:5 sends to dr/a:2 and hears dr/a:1"),
        (broken_strand, ["access-line-broken"], "strand 1 of cable dr is broken at 8 m (digger)"),
        (planned_drop, ["not-in-service"], "cable dr is not in service"),
        (abandoned_closure, ["not-in-service"], "closure k is not in service"),
        (not_yet, ["not-in-service"], "valid from 2031-01-01"),
        (dark_position, ["access-line-broken"], "position odf-a:20 has no strand behind it"),
        (unknown_wavelength, ["unknown-attenuation"], "cable type t12 has no attenuation at 850 nm"),
        (to_a_switch, ["access-line-elsewhere", "access-line-elsewhere"], "ends at sb:7/rx"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_keeps_light_from_a_terminal_is_a_warning(
    change: Callable[[Network], None], codes: list[str], said: str
) -> None:
    network = served()
    change(network)
    plant, diagnostics = build_plant(documents(network))
    assert diagnostics.errors == []
    (line,), out = access_lines(plant, date(2026, 5, 1))
    assert [one.code for one in out if one.code != "unknown-owner"][: len(codes)] == codes
    assert any(said in f"{one.summary} {one.detail}" for one in out)
    assert {one.address for one in out} == {"access line sa:5"}
    assert not line.usable
    assert line.losses == ()


def test_lines_over_one_thing_out_of_service_are_one_warning() -> None:
    network = served()
    network["equipment"]["switches"][0]["ports"].append({"port": 6, "bidi": "odf-a:9"})
    network["closures"]["closures"][0]["splices"].append({"a": "c/a:9", "b": "dr:4"})
    network["endpoints"].append(endpoint("cam-3", port=6, terminal="dr:4"))
    planned_drop(network)
    plant, _ = build_plant(documents(network))
    found, out = access_lines(plant)
    assert [line.usable for line in found] == [False, False]
    (one,) = out
    assert "2 access lines run over it: sa:5, sa:6." in one.detail


def test_endpoints_out_of_service_light_no_line() -> None:
    network = served()
    network["endpoints"] = [endpoint("cam-1", status="planned"), endpoint("cam-2")]
    assert lines(network)[0][0].endpoints == ("cam-2",)
    network["endpoints"] = [endpoint("cam-1", status="planned")]
    unpatched(network)
    assert lines(network) == ((), [])


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            [endpoint("cam-1"), endpoint("cam-2", terminal="dr:2")],
            ("terminals-differ", "endpoint cam-2", "inventory/endpoints.csv:3"),
        ),
        (
            [endpoint("cam-1"), endpoint("cam-2", terminal=None)],
            ("terminals-differ", "endpoint cam-2", "inventory/endpoints.csv:3"),
        ),
        (
            [endpoint("cam-1", terminal=None), endpoint("cam-2")],
            ("terminals-differ", "endpoint cam-1", "inventory/endpoints.csv:2"),
        ),
        (
            [endpoint("cam-1", terminal=None)],
            ("endpoint-on-trunk-port", "endpoint cam-1", "inventory/endpoints.csv:2"),
        ),
        (
            [endpoint("cam-1"), endpoint("cam-2", port=6)],
            ("terminal-claimed-twice", "endpoint cam-2", "inventory/endpoints.csv:3"),
        ),
        (
            [endpoint("cam-1", terminal="none:1")],
            ("dangling-reference", "endpoint cam-1", "inventory/endpoints.csv:2"),
        ),
        ([endpoint("cam-1", terminal="dr:5")], ("no-such-strand", "endpoint cam-1", "inventory/endpoints.csv:2")),
        (
            [endpoint("cam-1", terminal="dr/a")],
            ("no-such-strand", "endpoint cam-1", "inventory/endpoints.csv:2"),
        ),
        (
            [endpoint("cam-1", terminal="c:1")],
            ("terminal-not-at-customer", "endpoint cam-1", "inventory/endpoints.csv:2"),
        ),
        (
            [endpoint("cam-1", terminal="odf-b:99")],
            ("no-such-position", "endpoint cam-1", "inventory/endpoints.csv:2"),
        ),
    ],
)
def test_terminals_that_cannot_be_are_errors_with_their_line(
    rows: list[dict[str, Any]], expected: tuple[str, str, str]
) -> None:
    network = served()
    network["endpoints"] = rows
    assert errors(network) == [expected]


def test_a_drop_between_two_customers_says_which_end() -> None:
    network = served()
    network["chambers"][0]["kind"] = "wall-box"
    network["endpoints"] = [endpoint("cam-1")]
    assert errors(network) == [("ambiguous-end", "endpoint cam-1", "inventory/endpoints.csv:2")]
    network["endpoints"] = [endpoint("cam-1", terminal="dr:1/a")]
    (line,), codes = lines(network)
    assert (line.place, codes) == ("w", [])


def test_a_link_into_an_access_port_is_no_link() -> None:
    network = served()
    to_a_switch(network)
    plant, _ = build_plant(documents(network))
    links, out = optical_links(plant)
    assert [link.address for link in links] == ["link sa:1 – sb:1"]
    assert [one.code for one in out] == ["link-to-customers"]
