"""A quick constructor is the one of the dataclass, but for its speed."""

from __future__ import annotations

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, replace

import pytest

from sdnctl.dataplane.values import Flow, Match, Output, ToGroup
from sdnctl.quick import quick


@dataclass(frozen=True, slots=True)
class Plain:
    one: int
    two: str = "two"
    three: tuple[int, ...] = ()


@quick
@dataclass(frozen=True, slots=True)
class Quick:
    one: int
    two: str = "two"
    three: tuple[int, ...] = ()


def test_same_signature_and_values() -> None:
    assert inspect.signature(Quick) == inspect.signature(Plain)
    for args, named in (((1,), {}), ((1, "x"), {"three": (4,)}), ((), {"three": (2,), "one": 5})):
        plain, made = Plain(*args, **named), Quick(*args, **named)
        assert (plain.one, plain.two, plain.three) == (made.one, made.two, made.three)
        assert repr(made) == repr(plain).replace("Plain", "Quick")
        assert made == Quick(plain.one, plain.two, plain.three)
        assert hash(made) == hash(Quick(plain.one, plain.two, plain.three))
    for wrong in ((), (1, "x", (), 4)):
        with pytest.raises(TypeError):
            Quick(*wrong)


def test_as_frozen_as_before() -> None:
    made = Quick(1)
    with pytest.raises(FrozenInstanceError):
        made.one = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del made.one


def test_rules_are_copied_pickled_and_replaced() -> None:
    flow = Flow(3, 100, Match.of(eth_type=0x8847), 7, (ToGroup(4), Output(2)), goto=4)
    assert copy.deepcopy(flow) == pickle.loads(pickle.dumps(flow)) == replace(flow) == flow
    assert replace(flow, goto=None).goto is None


def test_what_it_does_not_do_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Listed\.items"):

        @quick
        @dataclass(frozen=True, slots=True)
        class Listed:
            items: list[int] = field(default_factory=list)

    with pytest.raises(TypeError, match="Checked"):

        @quick
        @dataclass(frozen=True, slots=True)
        class Checked:
            item: int

            def __post_init__(self) -> None:
                pass

    with pytest.raises(TypeError, match="Wide"):

        @quick
        @dataclass(frozen=True)
        class Wide:
            item: int
