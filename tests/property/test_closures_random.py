"""States of strands at closures against what was written, on random plants; edits done and undone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from inventory_support import documents, plant_of
from random_plants import STRANDS, random_network

from sdnctl.errors import Source
from sdnctl.inventory.closure_edits import EditFile, prepare
from sdnctl.inventory.closure_work import BOXES
from sdnctl.inventory.closures import Boxes, HeldCable, State
from sdnctl.inventory.fields import parse_strands
from sdnctl.inventory.plant import Plant, StrandEnd
from sdnctl.workspace.rewriting import rewritten

seeds = st.integers(0, 2**32 - 1)


def written_ends(network: dict[str, Any], plant: Plant) -> dict[str, dict[StrandEnd, State]]:
    """Place → strand ends that something names there, and what it does to them, from the written network."""
    found: dict[str, dict[StrandEnd, State]] = {}

    def take(text: str, place: str, state: State) -> None:
        strands = parse_strands(text)
        cable = plant.cables[strands.cable]
        index = cable.places.index(place)
        side = strands.side or ("b" if index == 0 else "a")
        for strand in strands.strands:
            end = StrandEnd(cable.id, strand, index, side)  # type: ignore[arg-type]
            found.setdefault(place, {})[end] = state

    for closure in network["closures"]["closures"]:
        for splice in closure["splices"]:
            take(splice["a"], closure["at"], State.SPLICED)
            take(splice["b"], closure["at"], State.SPLICED)
    for odf in network["odfs"]["odfs"]:
        for item in odf["terminations"]:
            take(item["strands"], odf["site"], State.CONNECTORISED)
    return found


@given(seeds)
@settings(max_examples=30, deadline=None)
def test_every_strand_has_one_state_and_it_is_what_was_written(seed: int) -> None:
    network = random_network(random.Random(seed))
    plant = plant_of(network)
    named = written_ends(network, plant)
    boxes = Boxes(plant)
    for key, closure in plant.closures.items():
        held = boxes.held(key)
        here = named.get(closure.at, {})
        for one in held.cables:
            assert len(one.states) == STRANDS
            for strand in range(1, STRANDS + 1):
                ends = [StrandEnd(one.id, strand, one.place, side) for side in one.sides]
                cut = not one.passes or any(end in here for end in ends)
                assert (one.states[strand - 1] is State.UNCUT) == (not cut)
                assert [end in held.ends for end in ends] == [cut] * len(ends)
                if cut:
                    wanted = [here.get(end, State.WAITING) for end in ends]
                    assert [held.ends[end].state for end in ends] == wanted
                    assert one.states[strand - 1] in wanted
        mine = {end for joint in held.joints for end in (joint.a, joint.b)}
        assert mine <= {end for end, state in here.items() if state is State.SPLICED}
        assert all(held.ends[end].via == key for end in mine)


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_every_cut_strand_is_in_some_box_or_frame(seed: int) -> None:
    """Nothing that ends or is cut where a closure stands is lost between the closures there."""
    network = random_network(random.Random(seed))
    plant = plant_of(network)
    boxes = Boxes(plant)
    for place, here in boxes.at.items():
        held = {one.id for key in here for one in boxes.held(key).cables}
        framed = {
            plant.cables[run.strands.cable].id
            for run in plant.termination_runs
            if plant.cables[run.strands.cable].places[run.strands.place] == place
        }
        for cable in plant.cables.values():
            cut = any(cable.places[index] == place for index, _ in plant.cut_places.get(cable.id, ()))
            if place in (cable.a, cable.b) or cut:
                assert cable.id in held | framed


def _both_loose(loose: Sequence[StrandEnd]) -> list[StrandEnd]:
    """Ends towards a of cut strands of which both ends wait."""
    return [end for end in sorted(loose) if end.side == "a" and end._replace(side="b") in loose]


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_edited_files_say_what_the_edits_did(seed: int) -> None:
    """Random edits, applied to the text of the file and read again, against splices and cuts kept by hand."""
    rng = random.Random(seed)
    network = random_network(rng)
    plant = plant_of(network)
    key = rng.choice(sorted(plant.closures))
    before = Boxes(plant).held(key)
    pairs = {frozenset((joint.a, joint.b)) for joint in before.joints}
    cut = {(one.id, strand) for one in before.cables for strand in _cut(one)}
    loose = [end for end, one in before.ends.items() if one.state is State.WAITING]
    edits: list[dict[str, str]] = []
    for _ in range(rng.randint(1, 4)):
        what = rng.random()
        whole = [one for one in before.cables if one.passes and len(cut_of(cut, one)) < STRANDS]
        if what < 0.4 and pairs:
            pair = rng.choice(sorted(pairs, key=sorted))
            pairs.remove(pair)
            loose += sorted(pair)
            edits.append({"park": str(rng.choice(sorted(pair)))})
        elif what < 0.8 and len(loose) > 1:
            a, b = rng.sample(sorted(loose), 2)
            loose = [end for end in loose if end not in (a, b)]
            pairs.add(frozenset((a, b)))
            edits.append({"splice": str(a), "with": str(b)})
        elif what < 0.9 and (halves := _both_loose(loose)):
            end = rng.choice(halves)
            other = end._replace(side="b")
            loose = [one for one in loose if one not in (end, other)]
            pairs.add(frozenset((end, other)))
            edits.append({"mend": f"{end.cable}:{end.strand}"})
        elif whole:
            one = rng.choice(whole)
            strand = min(set(range(1, STRANDS + 1)) - cut_of(cut, one))
            cut.add((one.id, strand))
            loose += [StrandEnd(one.id, strand, one.place, side) for side in one.sides]
            edits.append({"cut": f"{one.id}:{strand}"})
    if not edits:
        return
    model = EditFile.model_validate({"edits": edits})
    origins = [(one, Source("edits.yaml", number)) for number, one in enumerate(model.edits)]
    prepared = prepare(documents(network), plant, key, origins)
    text = "# kept\n" + yaml.safe_dump(
        network["closures"], sort_keys=False, default_flow_style=rng.choice((None, False))
    )
    after = rewritten({BOXES: text}, prepared.edits).get(BOXES, text)
    assert after.startswith("# kept\n")
    held = Boxes(plant_of({**network, "closures": yaml.safe_load(after)})).held(key)
    assert {frozenset((joint.a, joint.b)) for joint in held.joints} == pairs
    inside = {one.id for one in held.cables}
    assert {(one.id, strand) for one in held.cables for strand in _cut(one)} == {
        (cable, strand) for cable, strand in cut if cable in inside
    }
    waiting = {end for end, one in held.ends.items() if one.state is State.WAITING}
    assert waiting == {end for end in loose if end.cable in inside}


def _cut(one: HeldCable) -> set[int]:
    """Strands of a passing cable that are cut; those of one that ends here always end."""
    return {strand for strand, state in enumerate(one.states, start=1) if one.passes and state is not State.UNCUT}


def cut_of(cut: set[tuple[str, int]], one: HeldCable) -> set[int]:
    return {strand for cable, strand in cut if cable == one.id}
