"""Columns of a table validated at once, each distinct text once: nearly all tables are without fault.

What pydantic would accept row by row is accepted here, with the same values; where anything is refused, nothing
is told, and the caller has the rows judged one by one, for the words and the lines. So this decides on speed only,
and a property test holds it against pydantic.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import repeat
from typing import Annotated, Any

from pydantic import BaseModel, ValidationError, create_model
from pydantic.fields import FieldInfo

Columns = dict[str, Sequence[Any]]


def text_columns(model: type[BaseModel], cells: Mapping[str, Sequence[str]]) -> Columns | None:
    """Columns of text, as CSV has them, as values of a model's fields; empty cells say nothing.

    None where a value, a column, or a row is refused. All columns have the same length.
    """
    fields, checker = model.model_fields, _checker(model)
    if checker is None or not cells.keys() <= fields.keys():
        return None
    distinct = {name: dict.fromkeys(column) for name, column in cells.items()}
    empty = {name for name, texts in distinct.items() if "" in texts}
    if any(field.is_required() and (name in empty or name not in cells) for name, field in fields.items()):
        return None
    wanted = {name: list(filter(None, texts)) for name, texts in distinct.items()}
    try:
        made = checker.model_validate(wanted)
    except ValidationError:
        return None
    found: Columns = {}
    for name, column in cells.items():
        values = getattr(made, name)
        if len(values) == len(column):
            found[name] = values  # all different, as ids are
            continue
        of = dict(zip(wanted[name], values, strict=True))
        if name in empty:
            of[""] = fields[name].get_default(call_default_factory=True)
        found[name] = list(map(of.__getitem__, column))
    return found if sound_rows(model, found, len(next(iter(found.values())))) else None


def sound_rows(model: type[BaseModel], columns: Mapping[str, Sequence[Any]], count: int) -> bool:
    """Whether all rows pass what the model asks of a row as a whole (its validators of mode "after")."""
    judges = [getattr(model, name) for name in model.__pydantic_decorators__.model_validators]
    if not judges:
        return True
    row_of = namedtuple(model.__name__, tuple(model.model_fields))  # type: ignore[misc]
    given = (
        columns[name] if name in columns else repeat(field.get_default(call_default_factory=True), count)
        for name, field in model.model_fields.items()
    )
    try:
        return all(judge(row) is row for row in map(row_of, *given) for judge in judges)
    except (ValueError, AssertionError):
        return False


@lru_cache
def _checker(model: type[BaseModel]) -> type[BaseModel] | None:
    """A model whose fields are lists of what the fields of a model are."""
    lists: dict[str, Any] = {
        name: (list[annotated(field)] | None, None)  # type: ignore[misc]
        for name, field in model.model_fields.items()
    }
    return create_model(f"{model.__name__}Columns", **lists) if is_plain(model) else None


def is_plain(model: type[BaseModel]) -> bool:
    """Whether what a model takes is what its fields take, but for validators of what came out of that.

    Validators of one field, of all that is given, and other names than those of the attributes may say otherwise.
    """
    told = model.__pydantic_decorators__
    modes = {validator.info.mode for validator in told.model_validators.values()}
    if told.field_validators or told.validators or told.root_validators or not modes <= {"after"}:
        return False
    if any(field.alias or field.validation_alias or field.discriminator for field in model.model_fields.values()):
        return False
    return set(model.model_config) <= {"extra", "frozen", "populate_by_name", "defer_build"}


def annotated(field: FieldInfo) -> Any:
    """What a field of a model may hold."""
    return Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
