"""Restricted sites: what goes with them, what only mentions them, and what a finished file may not say."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

import pytest
from inventory_support import EXAMPLES
from pydantic import BaseModel

from sdnctl.document import Document
from sdnctl.errors import InputError
from sdnctl.exchange.naming import clean, ids, is_id, slug
from sdnctl.exchange.redacted_references import TABLES
from sdnctl.exchange.redaction import VOCABULARY, Redacted, Redaction, redact
from sdnctl.inventory.build import build_plant
from sdnctl.inventory.files import FILES
from sdnctl.topology.derive import derive
from sdnctl.usecases.context import Context
from sdnctl.workspace.convention import FILES as CONVENTION
from sdnctl.workspace.dump import dump_documents

SITES = "inventory/sites.yaml"


@pytest.fixture(scope="module", params=["small", "small-links"])
def documents(request: pytest.FixtureRequest) -> dict[str, Document[Any]]:
    return dict(Context(EXAMPLES / request.param).loaded.documents)


def restricting(documents: dict[str, Document[Any]], *names: str) -> Redacted:
    sites = documents[SITES].value
    new = tuple(site.model_copy(update={"restricted": site.id in names}) for site in sites.sites)
    changed = Document(SITES, sites.model_copy(update={"sites": new}))
    return redact({**documents, SITES: changed})


def texts(found: Redacted) -> str:
    return "\n".join(dump_documents(found.documents).values())


def test_nothing_restricted_changes_nothing(documents: dict[str, Document[Any]]) -> None:
    found = restricting(documents)
    assert not found.redaction
    assert found.gone == {}
    assert all(
        found.documents[file] == document or file == SITES
        for file, document in documents.items()
        if file in found.documents
    )
    assert not any(file.startswith("intents/") for file in found.documents)


@pytest.mark.parametrize("site", ["exchange", "datacentre", "west", "halles"])
def test_what_is_left_holds_together_and_says_nothing(site: str, documents: dict[str, Document[Any]]) -> None:
    """Every reference still resolves, and neither ids, names nor positions are anywhere."""
    found = restricting(documents, site)
    plant, faults = build_plant({file: one for file, one in found.documents.items() if file in FILES})
    assert not faults.errors, faults.errors[:3]
    topology, faults = derive(plant, found.documents.get("topology/links.yaml"), None)
    assert not faults.errors
    assert topology.nodes
    whole = texts(found)
    model = next(one for one in documents[SITES].value.sites if one.id == site)
    rest = re.sub(r"kind: \w+", "", whole)  # a kind of site is called as one of the sites is
    for word in (site, model.name):
        assert word.lower() not in rest.lower()
    assert found.redaction.leaks(whole) == ()
    x, y = model.position
    assert found.redaction.leaks(f'{{"x": {x}, "y": {y}}}')
    assert found.redaction.leaks(f"{y:.6f} {x:.6f}")
    if model.name.lower() not in VOCABULARY:
        assert found.redaction.leaks(f"the {model.name.upper()} hall")


def test_the_other_sites_stay(documents: dict[str, Document[Any]]) -> None:
    found = restricting(documents, "west")
    kept = {one.id for one in found.documents[SITES].value.sites}
    assert kept == {one.id for one in documents[SITES].value.sites} - {"west"}


def test_every_file_with_references_has_its_rules() -> None:
    stands_nowhere = {"network.yaml", "inventory/cable-types.yaml", "inventory/transceivers.yaml"}
    assert {file for file in CONVENTION if not file.startswith("intents/")} == set(TABLES) | stands_nowhere


def test_words_are_found_in_any_spelling() -> None:
    redaction = Redaction({"pop gare": "redacted-1", "ab": "redacted-2"}, ())
    for text in ("pop-gare", "POP_GARE", "PopGare", "pôp  gâre", "pop.gare"):
        assert redaction.text(f"x-{text}-7") == "x-redacted-1-7"
    assert redaction.text("ab cab ab2 AB/1") == "redacted-2 cab ab2 redacted-2/1"
    assert redaction.value({"pop gare": ["ab", 1, None]}) == {"redacted-1": ["redacted-2", 1, None]}
    assert redaction.leaks("a line\nwith pop gare") == ("line 2: a name",)
    assert redaction.leaks("ab") == (), "too short to be told from parts of numbers"


def test_positions_are_found_in_any_order_and_system() -> None:
    redaction = Redaction({}, ((4.36, 43.83),))
    assert redaction.near((4.36004, 43.83))
    assert not redaction.near((4.361, 43.83))
    assert redaction.hides([[[1, 2], [4.36, 43.83]]])
    assert not redaction.hides([[1, 2], "x", None])
    assert redaction.leaks("POINT (4.36 43.83)")
    assert redaction.leaks("843211.2;6300000.1", lambda place: (843210.0, 6300003.0))
    assert not redaction.leaks("843211.2;6300090.1", lambda place: (843210.0, 6300003.0))
    with pytest.raises(InputError, match="redaction-leaks"):
        redaction.refuse_leaks({"x.csv": b"4.36,43.83"})


def test_words_of_the_files_stay_what_they_are(documents: dict[str, Document[Any]]) -> None:
    found = restricting(documents, "datacentre")
    assert found.redaction.text("the datacentre") == "the redacted-1"
    assert found.redaction.value({"kind": "datacentre", "note": "datacentre"}) == {
        "kind": "datacentre",
        "note": "redacted-1",
    }


# ── names ────────────────────────────────────────────────────────────────────────────────────────


def test_labels_become_ids() -> None:
    assert slug("São Paulo (2)", "n") == "sao-paulo-2"
    assert slug("東京", "node-7") == "node-7"
    assert slug("--", "n") == "n"
    assert len(slug("x" * 500, "n")) == 48
    made = ids(["A", "a", "A-2", "a", "", "Ａ"], "node")
    assert made[2] == "a-2"
    assert len(set(made)) == len(made)
    assert all(map(is_id, made))
    assert clean("a\x00b\nc\u2028d" + "e" * 300) == "a b c d" + "e" * 193


ELSEWHERE = {
    "id",
    "type",  # of cables: kinds stand nowhere
    "transceiver",
    "feeder",
    "srlgs",  # names of risks, whose members are thinned
    "uplink",
    "masks",  # of a duct at its ends, which it needs
    "link",
    "area",
}
"""Fields that name something which no site takes with it, or which another field of the same row does."""


def naming_fields(model: type[BaseModel]) -> set[str]:
    """Fields that hold ids, strands or ends, by their schema."""
    schema = model.model_json_schema(mode="validation")
    names = {"A-Za-z0-9][A-Za-z0-9", "C-12:1-12", "ODF-DC:7", "pop-gare:3"}
    return {key for key, part in schema["properties"].items() if any(name in json.dumps(part) for name in names)}


def listed(file: str, name: str) -> type[BaseModel]:
    """The model of the rows of a list in a file."""
    model = CONVENTION[file].model
    if not name:
        return model
    (row,) = [one for one in get_args(model.model_fields[name].annotation) if one is not ...]
    assert isinstance(row, type)
    return row


@pytest.mark.parametrize(("file", "name"), [(file, name) for file, tables in TABLES.items() for name in tables])
def test_every_field_that_names_something_has_its_rule(file: str, name: str) -> None:
    rows = TABLES[file][name]
    known = {*rows.needs, *rows.forgets, *rows.thins, *rows.parts, *ELSEWHERE}
    assert naming_fields(listed(file, name)) <= known
