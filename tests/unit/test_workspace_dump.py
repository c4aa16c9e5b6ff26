"""Load ∘ dump is the identity on whole folders, and dumped text survives readers of YAML 1.1 too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from workspace_folder import EXAMPLES, write

from sdnctl.errors import Diagnostics
from sdnctl.intents.models import TenantModel, TenantsFile
from sdnctl.inventory.models import EndpointRow
from sdnctl.workspace.dump import dump_csv, dump_documents, dump_yaml
from sdnctl.workspace.folder import load_network
from sdnctl.workspace.yaml import parse_yaml


def values(folder: Path) -> dict[str, Any]:
    return {file: document.value for file, document in load_network(folder).documents.items()}


@pytest.mark.parametrize("example", ["small", "small-links"])
def test_dumping_and_loading_an_example_changes_nothing(example: str, tmp_path: Path) -> None:
    loaded = load_network(EXAMPLES / example)
    texts = dump_documents(loaded.documents)
    for file, text in texts.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text)
    again = load_network(tmp_path)
    assert {file: document.value for file, document in again.documents.items()} == {
        file: document.value for file, document in loaded.documents.items()
    }
    assert dump_documents(again.documents) == texts
    assert [demand.id for demand in again.network.demands] == [demand.id for demand in loaded.network.demands]
    assert sorted(again.network.topology.links) == sorted(loaded.network.topology.links)


def test_the_fixture_survives_too(tmp_path: Path) -> None:
    one = values(write(tmp_path / "one"))
    two = write(tmp_path / "two", dict(dump_documents(load_network(tmp_path / "one").documents)))
    assert values(two) == one


def test_text_that_looks_like_something_else_is_quoted() -> None:
    for text in ("NO", "12:30", "017", "1e3", "0o17", "0x1F", "true", "~", "", "2024-01-01", "a: b", "# x", "1.5"):
        dumped = dump_yaml(TenantsFile(tenants=(TenantModel(id="t", name=text),)))
        assert yaml.safe_load(dumped) == ({"tenants": [{"id": "t", "name": text} if text else {"id": "t"}]})


@pytest.mark.parametrize(
    "text", ["a\nb", "\r", "\x85", "\u2028x", "\ta", " a ", "\x7f", "\x00", "\ufeff", "\xa0", "\U0001f600"]
)
def test_any_character_survives(text: str) -> None:
    file = TenantsFile(tenants=(TenantModel(id="t", name=text),))
    tree = parse_yaml(dump_yaml(file), "f.yaml", Diagnostics())
    assert tree is not None
    assert tree.plain() == {"tenants": [{"id": "t", "name": text}]}


def test_columns_nobody_uses_are_left_out() -> None:
    row = EndpointRow.model_validate(
        {"id": "a", "site": "s", "device": "d", "port": 1, "kind": "camera", "tags": "x;y"}
    )
    assert dump_csv([row], EndpointRow) == "id,site,device,port,kind,tags\na,s,d,1,camera,x;y\n"
    assert dump_csv([], EndpointRow) == "id,site,device,port,kind\n"
