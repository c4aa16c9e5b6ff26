"""What edits made of a splice box, as edits of the files of the network: entries, rows, lists of strands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sdnctl.inventory.closure_work import BOXES, SPLICES, Joined, Work
from sdnctl.inventory.colours import tube_of
from sdnctl.inventory.edits import DocumentEdit, Insert, Put
from sdnctl.inventory.fields import StrandRange

BOX_ROWS = "inventory/closures.csv"


def written(work: Work) -> tuple[DocumentEdit, ...]:
    """The edits of the files that say what became of a box."""
    return tuple(_Writing(work).edits())


class _Writing:
    """What edits made of a box, as edits of the files."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.made: list[DocumentEdit] = []

    def edits(self) -> list[DocumentEdit]:
        work = self.work
        lists = self._lists()
        if work.path is None and lists:
            self._into_yaml(lists)
        for entry in work.entries:
            if entry.changed and not entry.new and entry.ends[0]:
                a, b = entry.ranges()
                self.made += [Put(entry.file, (*entry.path, "a"), a), Put(entry.file, (*entry.path, "b"), b)]
        self._splices()
        if work.path is not None:
            self._change_lists(lists)
        return self.made

    def _splices(self) -> None:
        """Entries that are gone or new. New ones of a box in a table are rows of the table of splices."""
        work = self.work
        new = [self._written(entry) for entry in work.entries if entry.new and entry.ends[0]]
        gone = [entry for entry in work.entries if not entry.new and not entry.ends[0]]
        inside = [entry for entry in work.entries if entry.file == BOXES]
        emptied = [entry for entry in gone if entry.file == BOXES]
        if work.path is None:
            self.made += [Put(entry.file, entry.path, None) for entry in gone]
            self.made += [Insert(SPLICES, (), {"closure": work.key, **one}) for one in new]
            return
        path = (*work.path, "splices")
        if len(emptied) == len(inside):
            if new or inside:
                self.made.append(Put(BOXES, path, new or None))
        else:
            self.made += [Put(BOXES, entry.path, None) for entry in emptied]
            self.made += [Insert(BOXES, path, one) for one in new]
        self.made += [Put(entry.file, entry.path, None) for entry in gone if entry.file != BOXES]

    def _written(self, entry: Joined) -> dict[str, Any]:
        a, b = entry.ranges()
        return {"a": a, "b": b, **entry.details}

    def _lists(self) -> dict[str, list[str]]:
        """What is to be added to the lists of a box."""
        cut = [str(StrandRange(cable, tuple(strands))) for cable, strands in self.work.to_cut().items() if strands]
        return {key: items for key, items in (("cut", cut), ("opened_tubes", self.work.tubes)) if items}

    def _change_lists(self, added: Mapping[str, list[str]]) -> None:
        """Add to the lists of a box, and take from them the strands of which they are true no more."""
        work = self.work
        assert work.path is not None
        box = work.documents[BOXES].value.closures[work.path[1]]
        new = [end for entry in work.entries if entry.new for ends in entry.ends for end in ends]
        joined = {(end.cable, end.strand) for end in new}
        cut = joined | {(cable, strand) for cable, found in work.newly_cut.items() for strand in found}
        closed = {(cable, strand) for cable, found in work.closed.items() for strand in found}
        tubes = {(cable, tube_of(work.kind(cable), strand)) for cable, strand in closed}
        for key, gone in (("cut", joined), ("opened", cut | closed), ("opened_tubes", tubes)):
            old, more = getattr(box, key), added.get(key, [])
            left = [
                StrandRange(one.cable, tuple(n for n in one.strands if (one.cable, n) not in gone), one.side)
                for one in old
            ]
            path = (*work.path, key)
            if not any(one.strands for one in left):
                if more or old:
                    self.made.append(Put(BOXES, path, more or None))
                continue
            for number, (before, after) in enumerate(zip(old, left, strict=True)):
                if before != after:
                    self.made.append(Put(BOXES, (*path, number), str(after) if after.strands else None))
            self.made += [Insert(BOXES, path, one) for one in more]

    def _into_yaml(self, lists: Mapping[str, list[str]]) -> None:
        """A box of the table that has to say more than a row can becomes an entry; its splices stay."""
        rows = self.work.documents[BOX_ROWS]
        number = next(index for index, row in enumerate(rows.value) if row.id == self.work.key)
        row = rows.value[number].model_dump(mode="json", by_alias=True, exclude_none=True)
        self.made.append(Put(BOX_ROWS, (number,), None))
        self.made.append(Insert(BOXES, ("closures",), {"id": row.pop("id"), "at": row.pop("at"), **row, **lists}))
