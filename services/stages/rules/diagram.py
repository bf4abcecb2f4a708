"""The rules for people: Markdown tables and Mermaid diagrams."""

from itertools import pairwise

from .stages import (
    ACTIVE,
    CONTACTED,
    END,
    ENGAGED,
    EXHAUSTED,
    KINDS,
    LOST,
    MEANINGS,
    MEETING_COMPLETED,
    NEW,
    NURTURE,
    OPEN,
    QUALIFIED,
    SCHEDULED,
    WON,
    Stage,
    status_of,
    title_of,
)
from .transitions import RULES, Rule

MAIN_PATH = (NEW, CONTACTED, ENGAGED, QUALIFIED, SCHEDULED, MEETING_COMPLETED)

_GROUPS: tuple[tuple[frozenset[Stage], str], ...] = (
    (OPEN | (END - {WON}), "any but Dead and Won"),
    (OPEN, "any active or paused"),
    (ACTIVE - {SCHEDULED}, "any active but Scheduled"),
)


def from_text(rule: Rule) -> str:
    """The stages that a rule starts from: the name of a group, or the list of their titles."""
    for stages, name in _GROUPS:
        if rule.from_ == stages:
            return name
    return ", ".join(title_of(stage) for stage in Stage if stage in rule.from_)


def transition_table() -> str:
    """The automatic transitions as a Markdown table, in the order in which the fold tries them."""
    rows = [
        f"| {_capital(rule.signal)} | {_capital(from_text(rule))} | {title_of(rule.to)} | `{rule.id}` |"
        for rule in RULES
    ]
    return "\n".join(["| Trigger | From | To | Rule |", "|---|---|---|---|", *rows])


def stage_table() -> str:
    """The stages with kind, status and meaning, as a Markdown table."""
    rows = []
    for stage in Stage:
        status = status_of(stage, True)
        if stage is NURTURE:
            status += ", or new if never contacted"
        rows.append(f"| {title_of(stage)} | {KINDS[stage]} | {status} | {MEANINGS[stage]} |")
    return "\n".join(["| Stage | Kind | Status | What It Means |", "|---|---|---|---|", *rows])


def journey_diagram() -> str:
    """The path of a lead that becomes a customer, with the pause and the way back, as a Mermaid diagram."""
    lines = ["stateDiagram-v2", "    direction TB", "    [*] --> new : just arrived"]
    for here, there in pairwise(MAIN_PATH):
        lines += _edges(here, there)
    lines += [f"    {MEETING_COMPLETED} --> {end} : you mark it" for end in (WON, LOST)]
    lines += [*_edges(CONTACTED, EXHAUSTED), *_edges(EXHAUSTED, CONTACTED), *_edges(SCHEDULED, ENGAGED)]
    return "\n".join(lines)


def transition_diagram() -> str:
    """Every automatic transition with the ids of its rules, as a Mermaid diagram.

    A rule from all open stages to an end is one arrow, from the box around the open stages.
    """
    inner: dict[tuple[str, str], list[str]] = {}
    outer: dict[tuple[str, str], list[str]] = {}
    for rule in RULES:
        to_the_end = rule.from_ >= OPEN and rule.to not in OPEN
        if to_the_end:
            outer.setdefault(("open", rule.to), []).append(rule.id)
        for stage in Stage:
            if stage not in rule.from_ or stage is rule.to:
                continue
            if stage not in OPEN:
                outer.setdefault((stage, rule.to), []).append(rule.id)
            elif not to_the_end:
                inner.setdefault((stage, rule.to), []).append(rule.id)
    outer["open", WON] = ["by hand"]
    return "\n".join(
        [
            "stateDiagram-v2",
            "    direction LR",
            '    state "any active or paused stage" as open {',
            "        [*] --> new",
            *(f"        {here} --> {there} : {', '.join(ids)}" for (here, there), ids in inner.items()),
            "    }",
            *(f"    {here} --> {there} : {', '.join(ids)}" for (here, there), ids in outer.items()),
        ]
    )


def _edges(here: Stage, there: Stage) -> list[str]:
    return [f"    {here} --> {there} : {rule.when}" for rule in RULES if here in rule.from_ and rule.to is there]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
