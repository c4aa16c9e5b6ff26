"""`inventory check`: the records against themselves, by a list of rules (`table.RULES`).

documents ─loading→ plant, what loading tells ─rules→ findings ─edits→ a patch (`workspace.editing`)
"""

from __future__ import annotations

from sdnctl.inventory.checking.finding import Finding, Hit, Rule
from sdnctl.inventory.checking.subject import Subject, Ways
from sdnctl.inventory.checking.table import RULES, WAYS, Checked, Listed, check, listed

__all__ = ["RULES", "WAYS", "Checked", "Finding", "Hit", "Listed", "Rule", "Subject", "Ways", "check", "listed"]
