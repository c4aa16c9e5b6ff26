"""Columns of a table validated at once, each distinct text once: nearly all tables are without fault.

What pydantic would accept row by row is accepted here, with the same values; where anything is refused, nothing is
told, and the caller has the rows judged one by one, for the words and the lines. So this decides on speed only, and a
property test holds it against pydantic.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from itertools import repeat
from math import isfinite
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import to_json

from sdnctl.document import light

Columns = dict[str, list[Any]]


def text_columns(model: type[BaseModel], cells: Mapping[str, Sequence[str]]) -> Columns | None:
    """Columns of text, as CSV has them, as values of a model's fields; empty cells say nothing.

    None where a value, a column, or a row is refused. All columns have the same length.
    """
    distinct = {name: dict.fromkeys(column) for name, column in cells.items()}
    return _checked(model, cells, distinct, "", (), strict=False)


def json_columns(
    model: type[BaseModel], values: Mapping[str, Sequence[Any]], beside: Collection[str] = ()
) -> Columns | None:
    """Columns of JSON values, as strictly as JSON is read; None says nothing. None where anything is refused.

    `beside`: fields that are read elsewhere, and are not missing here.
    """
    distinct: dict[str, dict[Any, None]] = {}
    for name, column in values.items():
        kinds = set(map(type, column)) - {type(None)}
        if kinds == {float} and not all(isfinite(value) for value in column if value is not None):
            return None
        if len(kinds) > 1 or not kinds <= {str, int, float, bool}:
            return None  # 1, 1.0 and true are equal, and yet not the same
        distinct[name] = dict.fromkeys(column)
    return _checked(model, values, distinct, None, beside, strict=True)


def tuple_column(model: type[BaseModel], name: str, values: list[Any]) -> list[Any] | None:
    """A column of nested tuples of numbers (coordinates), as strictly as JSON is read."""
    checker = _checker(model)
    if checker is None:
        return None
    try:
        found: list[Any] = getattr(checker.model_validate({name: values}, strict=True), name)
    except ValidationError:
        return None
    return found


def sound_rows(model: type[BaseModel], columns: Mapping[str, Sequence[Any]], count: int) -> bool:
    """Whether all rows pass what the model asks of a row as a whole (its validators of mode "after")."""
    names = tuple(model.__pydantic_decorators__.model_validators)
    if not names:
        return True
    given = (
        columns[name] if name in columns else repeat(field.get_default(call_default_factory=True), count)
        for name, field in model.model_fields.items()
    )
    rows = list(light(model, zip(*given, strict=True)))
    try:
        return all(judge(row) is row for judge in (getattr(model, name) for name in names) for row in rows)
    except (ValueError, AssertionError):
        return False


def _checked(
    model: type[BaseModel],
    columns: Mapping[str, Sequence[Any]],
    distinct: Mapping[str, dict[Any, None]],
    absent: Any,
    beside: Collection[str],
    *,
    strict: bool,
) -> Columns | None:
    checker = _checker(model)
    if checker is None or not columns.keys() <= model.model_fields.keys():
        return None
    lacking = {name for name, texts in distinct.items() if absent in texts}
    for name, field in model.model_fields.items():
        if field.is_required() and (name in lacking or (name not in columns and name not in beside)):
            return None
    wanted = {name: [text for text in texts if text != absent] for name, texts in distinct.items()}
    try:
        if strict:  # JSON is the one input for which strict reading still makes dates and enums of text
            made = checker.model_validate_json(to_json(wanted), strict=True)
        else:
            made = checker.model_validate(wanted)
    except ValidationError:
        return None
    found: Columns = {}
    for name, column in columns.items():
        values = getattr(made, name)
        if len(values) == len(column):
            found[name] = values  # all different, as ids are
            continue
        of = dict(zip(wanted[name], values, strict=True))
        if name in lacking:
            of[absent] = model.model_fields[name].get_default(call_default_factory=True)
        found[name] = list(map(of.__getitem__, column))
    return found


@lru_cache
def _checker(model: type[BaseModel]) -> type[BaseModel] | None:
    """A model whose fields are lists of what the fields of a model are; None where that would not be the same.

    It is not where a model has validators of fields, of all it is given, or names other than its attributes'.
    """
    told = model.__pydantic_decorators__
    modes = {validator.info.mode for validator in told.model_validators.values()}
    fields = model.model_fields
    if told.field_validators or told.validators or told.root_validators or not modes <= {"after"}:
        return None
    if any(field.alias or field.validation_alias or field.discriminator for field in fields.values()):
        return None
    if set(model.model_config) - {"extra", "frozen", "populate_by_name", "defer_build"}:
        return None  # how text is read might be configured
    lists: dict[str, Any] = {
        name: (list[_annotated(field.annotation, field.metadata)] | None, None)  # type: ignore[misc]
        for name, field in fields.items()
    }
    made: type[BaseModel] = create_model(f"{model.__name__}Columns", __config__=ConfigDict(extra="forbid"), **lists)
    return made


def _annotated(annotation: Any, metadata: Sequence[Any]) -> Any:
    return Annotated[(annotation, *metadata)] if metadata else annotation
