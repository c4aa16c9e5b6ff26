"""Columns that are held to what they say: SQLite keeps anything anywhere, and files are damaged.

What is not of its column's type is a StoreError where it is read, never a surprise where it is used.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Dialect, String, TypeDecorator
from sqlalchemy.sql.schema import SchemaItem
from sqlalchemy.types import TypeEngine

from sdnctl.store.database import damaged


class Held(TypeDecorator[Any]):
    """A type of the database whose values are looked at when they are read; `empty`: there may be none."""

    cache_ok = True
    impl: TypeEngine[Any] | type[TypeEngine[Any]] = String

    def __init__(self, kind: TypeEngine[Any], empty: bool = False) -> None:
        super().__init__()
        self.impl = kind
        self.kind, self.empty = kind, empty  # by these names SQLAlchemy's cache tells types apart

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Any | None:
        """The value, or None where there is none; raises StoreError for what cannot be in such a column."""
        wanted = self.impl_instance.python_type
        if not isinstance(value, wanted) and (value is not None or not self.empty):
            # without the value: it may be a secret
            raise damaged("what the store holds", f"{type(value).__name__} where {wanted.__name__} belongs")
        return value


class Moment(Held):
    """A time as the store writes it: ISO 8601 in UTC."""

    cache_ok = True

    def __init__(self, empty: bool = False) -> None:
        super().__init__(String(32), empty)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Any | None:
        """As text; raises StoreError for what is no time, or one without a zone."""
        text = super().process_result_value(value, dialect)
        if text is not None:
            try:
                zone = datetime.fromisoformat(text).tzinfo
            except ValueError as error:
                raise damaged("a time in the store", error) from error
            if zone is None:
                raise damaged("a time in the store", f"{text!r} has no zone")
        return text


def held(
    name: str, kind: TypeEngine[Any], *more: SchemaItem, empty: bool = False, primary_key: bool = False
) -> Column[Any]:
    """A column whose values are looked at; `empty`: there may be none."""
    return Column(name, Held(kind, empty), *more, nullable=empty, primary_key=primary_key)


def moment(name: str, *, empty: bool = False) -> Column[Any]:
    """A column of times; `empty`: there may be none."""
    return Column(name, Moment(empty), nullable=empty)
