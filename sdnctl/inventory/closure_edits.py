"""Edits of a splice box as people write them in a file, and what they change in the files of the network.

    closure: k-mill
    edits:
      - {splice: "c-ring/a:15-16", with: "c-mill:3-4", loss: 0.05 dB}   join strands, cutting those that pass
      - {cut: "c-ring:17"}                                              cut a strand that passes; its ends wait
      - {park: "c-mill:1"}                                              undo splices; both their ends wait
      - {mend: "c-ring:17", loss: 0.05 dB}                              join the two ends of a cut strand again
      - {open: c-ring, tube: 3}                                         open a tube; its strands go on passing
      - {close: c-ring, tube: 3}                                        close it again, where none of them is cut

The edits hold together or not at all: every fault of all of them is reported at once. They are read in their
order, so a strand may be parked and then spliced elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, model_validator

from sdnctl.errors import InputError, Source
from sdnctl.inventory.closure_work import Documents, Interruption, Work
from sdnctl.inventory.closure_writing import written
from sdnctl.inventory.edits import DocumentEdit
from sdnctl.inventory.fields import Id, NumbersField, StrandsField, Whole
from sdnctl.inventory.models.base import Strict
from sdnctl.inventory.plant import Plant
from sdnctl.units import LossField, format_loss

KINDS = ("splice", "cut", "park", "mend", "open", "close")


class EditModel(Strict):
    """One edit: `splice` and `with`, or `cut`, or `park`, or `mend`, or `open` or `close` and `tube`."""

    splice: StrandsField | None = None
    with_: StrandsField | None = Field(None, alias="with")
    loss: LossField | None = None
    loss_ab: LossField | None = None
    loss_ba: LossField | None = None
    cassette: Annotated[Whole, Field(ge=1, le=999)] | None = None
    cut: StrandsField | None = None
    park: StrandsField | None = None
    mend: StrandsField | None = None
    open: Id | None = None
    close: Id | None = None
    tube: NumbersField | None = None

    @model_validator(mode="after")
    def _one(self) -> EditModel:
        named = [name for name in KINDS if getattr(self, name) is not None]
        if len(named) != 1:
            raise ValueError(f"an edit is one of {', '.join(KINDS[:-1])} and {KINDS[-1]}")
        if (self.splice is None) != (self.with_ is None):
            raise ValueError("splice needs with: the strands to join it to")
        if (self.open is None and self.close is None) != (self.tube is None):
            raise ValueError("open and close need tube: the numbers of the tubes")
        if (
            self.splice is None
            and self.mend is None
            and {self.loss, self.loss_ab, self.loss_ba, self.cassette} != {None}
        ):
            raise ValueError("only a splice has a loss and a cassette")
        if self.loss is not None and (self.loss_ab is not None or self.loss_ba is not None):
            raise ValueError("give loss (the mean of both directions) or loss_ab and loss_ba, not both")
        if self.splice is not None and self.with_ is not None:
            a, b = len(self.splice.strands), len(self.with_.strands)
            if a != b:
                raise ValueError(f"{self.splice} has {a} strands but {self.with_} has {b}")
        return self


class EditFile(Strict):
    """Edits of one box; `closure` may be left out, as the command names it."""

    closure: Id | None = None
    edits: Annotated[tuple[EditModel, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What edits change in the files, and which strands they separate."""

    edits: tuple[DocumentEdit, ...]
    separated: tuple[Interruption, ...]


def prepare(documents: Documents, plant: Plant, key: str, edits: Sequence[tuple[EditModel, Source]]) -> Prepared:
    """What edits of a box change in the files; raises InputError with every fault of all of them."""
    work = Work.of(documents, plant, key)
    for edit, origin in edits:
        if edit.splice is not None and edit.with_ is not None:
            work.splice(edit.splice, edit.with_, _details(edit), origin)
        elif edit.cut is not None:
            work.cut(edit.cut, origin)
        elif edit.park is not None:
            work.park(edit.park, origin)
        elif edit.mend is not None:
            work.mend(edit.mend, _details(edit), origin)
        elif edit.open is not None and edit.tube is not None:
            work.open(edit.open, edit.tube, origin)
        elif edit.close is not None and edit.tube is not None:
            work.close(edit.close, edit.tube, origin)
    work.out.raise_if_errors(InputError)
    return Prepared(written(work), tuple(work.separated))


def _details(edit: EditModel) -> dict[str, str | int]:
    """What else a splice says, as it is written."""
    values = (("loss", edit.loss), ("loss_ab", edit.loss_ab), ("loss_ba", edit.loss_ba))
    written: dict[str, str | int] = {name: format_loss(value) for name, value in values if value is not None}
    return written if edit.cassette is None else {**written, "cassette": edit.cassette}
