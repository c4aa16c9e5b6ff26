"""A plan as a comment: the verdict first, whose services they are, and never more than a forge takes."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from sdnctl.dataplane.values import Flow, Match, Output
from sdnctl.errors import Diagnostic
from sdnctl.plan.folding import GITHUB, Part, bounded, cell, folded, marker
from sdnctl.plan.markdown import markdown
from sdnctl.plan.model import Change, Effect, Impact, Op, Plan, Stage, StageKind

EMPTY = Plan("town", "t" * 64, "b" * 64, "2026-01-01T00:00:00Z", {}, (), (), (), "f" * 64)


def big(switches: int, rules: int) -> Plan:
    """Many rules on many switches, and many applications that feel something."""
    changes = {
        f"sw-{number}": tuple(
            Change(Op.ADD, Flow(3, 100, Match.of(eth_type=0x8847, mpls_label=label), actions=(Output(1),)))
            for label in range(rules)
        )
        for number in range(switches)
    }
    impacts = tuple(
        Impact(f"app-{number}", "scada", Effect.OUTAGE if number == 0 else Effect.HITLESS, "why", None, 2, True)
        for number in range(switches)
    )
    return replace(EMPTY, stages=(Stage(StageKind.PREPARE, changes),), impacts=impacts)


def test_the_verdict_comes_first() -> None:
    lines = markdown(big(3, 1), who={"app-0": "town, water"}).splitlines()
    assert lines[0] == "<!-- sdnctl:plan town -->"
    assert lines[3] == "**2 demands interrupted, 4 moved without loss**"
    assert "> **A protected class would be interrupted.** Applying it takes `--allow-outage scada`." in lines
    assert "| app-0 | **scada** | 2 | outage | why | town, water |" in lines
    assert "**No changes.**" in markdown(EMPTY)


@pytest.fixture(scope="module")
def huge() -> Plan:
    """More than any forge takes."""
    plan = big(400, 40)
    assert len(markdown(plan).encode()) > 1_000_000
    return plan


@pytest.mark.parametrize("limit", [GITHUB, 1_000_000, 5_000])
def test_whole_sections_are_left_out_and_named(huge: Plan, limit: int) -> None:
    text = markdown(huge, limit=limit, findings=(Diagnostic("w", "é" * 300),))
    assert 0.8 * limit < len(text.encode()) <= limit
    assert text.startswith("<!-- sdnctl:plan town -->")
    assert text.rstrip().endswith("target `tttttttttttttttt`")
    assert text.count("<details>") == text.count("</details>")
    assert text.count("```") % 2 == 0
    kept = text.count("<details>")
    assert (
        f"_{401 - kept} of 401 sections are left out, because this comment may have {limit} characters: " in text
    )
    assert "| app-0 | **scada** | 2 | outage |" in text, "the worst comes first, so it is there"


def test_what_fits_is_whole() -> None:
    plan = big(3, 3)
    assert markdown(plan, limit=GITHUB) == markdown(plan)
    exactly = len(markdown(plan).encode())
    assert markdown(plan, limit=exactly) == markdown(plan)
    assert "left out" in markdown(plan, limit=exactly - 1)


def test_text_of_people_is_shown_as_it_is_and_calls_nobody() -> None:
    assert cell("@all |`*[x](y)\n <b>&amp;") == "@\u200ball \\|\\`\\*\\[x](y) &lt;b&gt;&amp;amp;"
    assert "<summary>sw_1 &lt;b&gt; @\u200ball</summary>" in folded("sw_1 <b> @all", ())
    assert "-->" not in marker("plan", "a-->b").removesuffix(" -->")
    text = markdown(EMPTY, findings=(Diagnostic("x", "```\n</details>"),))
    assert text.count("```") == 2


@given(st.text(st.sampled_from("ab1 |\\`*_~[]()<>&;@#!\"'\n-+=:/é") | st.characters(codec="utf-8"), max_size=30))
@example("_a_ ~~b~~ __c__ #12 !3 @me <!-- x --> &lt; a_b_c \\| \\\\|")
def test_what_is_rendered_is_what_people_wrote(text: str) -> None:
    """In a cell of a table, between two others; forges render as CommonMark does, with tables."""
    seen = " ".join(text.split())
    assume(not any(ord(one) < 32 or one in "\x7f\u200b" for one in seen))
    rendered = (
        MarkdownIt("commonmark")
        .enable(["table", "strikethrough"])
        .render(f"| a | b | c |\n|---|---|---|\n| x | {cell(text)} | z |\n")
    )
    cells = re.findall("<td>(.*?)</td>", rendered, re.DOTALL)
    assert len(cells) == 3, rendered
    shown = html.unescape(cells[1]).replace("\u200b", "")
    assert shown == seen
    assert "<" not in cells[1]
    assert not re.search(r"[@#!]\w", html.unescape(cells[1])), "it would call somebody"


@given(
    st.lists(st.text(st.sampled_from("a&<|é\U0001f600"), max_size=300), min_size=2, max_size=40),
    st.integers(1200, 4000),
)
def test_names_of_any_length_do_not_break_the_limit(names: list[str], limit: int) -> None:
    sections = [Part("y" * 200, kind, name) for kind in ("sections", "applications") for name in names]
    assert len(bounded([Part("head"), *sections, Part("end")], limit).encode()) <= limit


def test_parts_that_must_be_there_are_there_whatever_the_limit() -> None:
    parts = [Part("head"), Part("x" * 50, "sections", "one"), Part("end")]
    assert bounded(parts, 1).startswith("head\n\n_1 of 1 sections are left out")
    assert bounded(parts, 1).endswith("one_\nend\n")
