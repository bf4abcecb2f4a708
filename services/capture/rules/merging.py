"""The merge of two leads that are one person: what the kept lead takes over from the alias, and how that is undone.

The alias keeps its row as it was. What the kept lead took over is recorded field by field, so that an undo can restore
it wherever nobody has changed it since.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.capture.rules.consent import CHANNELS, ConsentChange, given, is_stricter, known
from services.capture.rules.contact import ADDRESSES
from services.capture.rules.lead import Lead, Provenance
from services.capture.rules.precedence import split_by_room

_CONSENT_PARTS = ("basis", "source", "at")
"""What is said of a lead's consent on all channels: of the last choice."""


def refusal(kept: Lead, alias: Lead, alias_has_aliases: bool) -> str | None:
    """Why the two cannot be merged, or None."""
    if kept.lead_id == alias.lead_id:
        return "a lead cannot be merged into itself"
    if kept.merged_into is not None:
        return f"lead {kept.lead_id} was merged into {kept.merged_into}; merge into that one"
    if alias.merged_into is not None:
        return f"lead {alias.lead_id} is an alias of {alias.merged_into} already"
    if alias_has_aliases:
        return f"other leads were merged into {alias.lead_id}; undo those merges first, or keep this one"
    return None


def merge(kept: Lead, alias: Lead) -> tuple[list[str], dict[str, Any]]:
    """Fill the gaps of `kept` from `alias`; the names of the fields that changed, and the record for `undo`.

    A value of the kept lead stays, unless a human entered the alias's value and nobody entered this one. An address
    always stays, and attributes that the kept lead has no room for stay with the alias. The strictest consent holds for
    each channel.
    """
    taken_over: dict[str, Any] = {}
    changed = []
    fitting, _ = split_by_room(kept, alias.attributes)
    for name in [*alias.fields, *(f"attributes.{name}" for name in fitting)]:
        own, other = kept.provenance_of(name), alias.provenance_of(name)
        assert other is not None
        if own is not None and (own.human or not other.human or name in ADDRESSES):
            continue
        before = kept.value_of(name)
        if before != alias.value_of(name):
            changed.append(name)
        taken_over[name] = {
            "before": before,
            "mark": _provenance_out(kept.provenance.get(name)),
            "after": _provenance_out(other),
        }
        kept.set_value(name, alias.value_of(name))
        kept.provenance[name] = other
    withheld, consent = take_strictest_consent(kept, alias)
    kept.unsaved = kept.unsaved or bool(taken_over)
    denied = {
        channel: _provenance_out(kept.provenance_of(f"consent.{channel}"))
        for channel in CHANNELS
        if kept.consent.get(channel) == "denied"
    }
    record = {"fields": taken_over, **consent, "denied": denied}
    _remember_known(kept, alias, record)
    return changed + withheld, record


def take_strictest_consent(kept: Lead, alias: Lead) -> tuple[list[str], dict[str, Any]]:
    """Take over the consent of `alias` on each channel where it is stricter; what `merge` answers, of consent only."""
    before = dict(kept.consent)
    marks: dict[str, Any] = {}
    for channel in CHANNELS:
        if is_stricter(alias.consent.get(channel), kept.consent.get(channel)):
            name = f"consent.{channel}"
            marks[name] = _provenance_out(kept.provenance.get(name))
            kept.remember(name)
            kept.consent_changes.append(_consent_change(kept, channel, alias.consent, "merge"))
            _take_consent(kept, alias, channel)
            kept.provenance[name] = _consent_mark(alias, name)
    if not marks:
        return [], {}
    kept.unsaved = True
    return list(marks), {"consent_marks": marks, "consent": {"before": before, "after": dict(kept.consent)}}


def _take_consent(lead: Lead, other: Lead, channel: str) -> None:
    """Let a lead have the choice that another one has on a channel, and how it was given."""
    _restore_choice(lead.consent, channel, other.consent)
    lead.consent |= {part: other.consent.get(part) for part in _CONSENT_PARTS}
    lead.unsaved = True


def take_denials(
    kept: Lead, alias: Lead, record: dict[str, Any], others: Iterable[tuple[Lead, dict[str, Any]]]
) -> list[str]:
    """Before an undo, let the alias take the denials that the kept lead got since the merge; the channels.

    Whoever withheld consent by an address of the alias withheld it for the alias. `others`: the other aliases, with the
    records of their merges; what the kept lead took over from them is theirs alone.
    """
    changed = []
    for channel in CHANNELS:
        name = f"consent.{channel}"
        mark = kept.provenance_of(name)
        if kept.consent.get(channel) != "denied" or not is_stricter("denied", alias.consent.get(channel)):
            continue
        was_so = _provenance_out(mark) == record.get("denied", {}).get(channel)
        if was_so or any(
            name in of.get("consent_marks", {}) and mark == _consent_mark(one, name) for one, of in others
        ):
            continue
        assert mark is not None
        alias.remember(name)
        alias.consent_changes.append(_consent_change(alias, channel, kept.consent, "undo"))
        _take_consent(alias, kept, channel)
        alias.provenance[name] = mark
        changed.append(name)
    return changed


def undo(kept: Lead, alias: Lead, record: dict[str, Any]) -> list[str]:
    """Restore what the merge changed, where nobody has changed it since; the names of the fields that changed.

    An address that is the alias's goes back to it, however often it was submitted for the kept lead meanwhile. What the
    other aliases came with is taken over by `take_again`.
    """
    changed = []
    for channel in CHANNELS:
        kept.provenance.pop(known(channel), None)
    for name, entry in record.get("fields", {}).items():
        is_alias_s = name in ADDRESSES and kept.value_of(name) == alias.value_of(name)
        if not is_alias_s and _provenance_out(kept.provenance.get(name)) != entry["after"]:
            continue
        if kept.value_of(name) != entry["before"]:
            changed.append(name)
        came_from_alias = kept.value_of(name) == alias.value_of(name)
        kept.set_value(name, entry["before"])
        if came_from_alias:  # no old value of the kept lead: it would stay in that one's timeline
            kept.replaced.pop(name, None)
        _restore_provenance(kept, name, entry["mark"])
        kept.unsaved = True
    return changed + _undo_consent(kept, alias, record)


def _undo_consent(kept: Lead, alias: Lead, record: dict[str, Any]) -> list[str]:
    """Each channel by itself: a choice on the other one since then is no reason to keep the alias's."""
    changed = []
    before, after = (record.get("consent", {}).get(when, {}) for when in ("before", "after"))
    for name, mark in record.get("consent_marks", {}).items():
        channel = name.removeprefix("consent.")
        if kept.consent.get(channel) != after.get(channel) or kept.provenance.get(name) != _consent_mark(alias, name):
            continue
        kept.remember(name)
        kept.consent_changes.append(_consent_change(kept, channel, before, "undo"))
        _restore_choice(kept.consent, channel, before)
        _restore_provenance(kept, name, mark)
        kept.unsaved = True
        changed.append(name)
    if changed and _agree(kept.consent, after, _CONSENT_PARTS):
        for part in _CONSENT_PARTS:
            _restore(kept.consent, part, before)
    return changed


def forget_undone(record: dict[str, Any], undone: dict[str, Any], alias: Lead) -> dict[str, Any]:
    """The record of another merge, once that of `alias` is undone: where it took the place of what came of the alias,
    it restores what was before that."""
    fields = dict(record.get("fields", {}))
    for name, gone in undone.get("fields", {}).items():
        if name in fields and fields[name]["mark"] == gone["after"]:
            fields[name] = {**fields[name], "before": gone["before"], "mark": gone["mark"]}
    record = {**record, "fields": fields}
    if "consent" not in record or "consent" not in undone:
        return record
    marks, before, gone = dict(record["consent_marks"]), dict(record["consent"]["before"]), undone["consent"]
    for name, mark in undone["consent_marks"].items():
        channel = name.removeprefix("consent.")
        was_alias_s = marks.get(name) == _provenance_out(_consent_mark(alias, name))
        if was_alias_s and _agree(before, gone["after"], (channel, given(channel))):
            _restore_choice(before, channel, gone["before"])
            marks[name] = mark
    if _agree(before, gone["after"], _CONSENT_PARTS):
        for part in _CONSENT_PARTS:
            _restore(before, part, gone["before"])
    return {**record, "consent_marks": marks, "consent": {**record["consent"], "before": before}}


def take_again(kept: Lead, alias: Lead, record: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """Take over what consent of `alias` is stricter, now that another merge is undone; `record` with it."""
    changed, taken = take_strictest_consent(kept, alias)
    if taken:
        record = _with_consent(record, changed, taken)
    _remember_known(kept, alias, record)
    return changed, record


def _with_consent(record: dict[str, Any], changed: Iterable[str], taken: dict[str, Any]) -> dict[str, Any]:
    consent = record.get("consent", taken["consent"])
    before = dict(consent["before"])
    for name in changed:
        _restore_choice(before, name.removeprefix("consent."), taken["consent"]["before"])
    return {
        **record,
        "consent_marks": {**record.get("consent_marks", {}), **taken["consent_marks"]},
        "consent": {"before": before, "after": taken["consent"]["after"]},
    }


def _remember_known(kept: Lead, alias: Lead, record: Mapping[str, Any]) -> None:
    """Raise what `known` says to the alias's choices, and to those of the kept lead that the merge replaced."""
    for channel in CHANNELS:
        name = f"consent.{channel}"
        marks = [kept.provenance.get(known(channel)), alias.provenance_of(name)]
        if name in record.get("consent_marks", {}) and record["consent"]["before"].get(channel):
            marks.append(_provenance_in(record["consent_marks"][name]) or Provenance(kept.as_of))
        if times := [mark.time for mark in marks if mark is not None]:
            kept.provenance[known(channel)] = Provenance(max(times))


def _consent_mark(alias: Lead, name: str) -> Provenance:
    return alias.provenance_of(name) or Provenance(alias.as_of)


def _agree(one: Mapping[str, Any], other: Mapping[str, Any], keys: Iterable[str]) -> bool:
    return all(one.get(key) == other.get(key) for key in keys)


def _restore_choice(consent: dict[str, Any], channel: str, before: Mapping[str, Any]) -> None:
    _restore(consent, channel, before)
    _restore(consent, given(channel), before)


def _restore(values: dict[str, Any], key: str, before: Mapping[str, Any]) -> None:
    if key in before:
        values[key] = before[key]
    else:
        values.pop(key, None)


def _consent_change(lead: Lead, channel: str, now: Mapping[str, Any], cause: str) -> ConsentChange:
    """What becomes of a lead's consent on a channel, from the consent that counts now."""
    at = now.get("at")
    source, basis, text_id = now.get(given(channel)) or (now.get("source"), now.get("basis"), None)
    return ConsentChange(
        channel,
        now.get(channel) or "unknown",
        lead.consent.get(channel) or "unknown",
        datetime.fromisoformat(at) if at else lead.as_of,
        source,
        basis,
        UUID(text_id) if text_id else None,
        cause,
    )


def _restore_provenance(lead: Lead, name: str, stored: list[Any] | None) -> None:
    if (provenance := _provenance_in(stored)) is None:
        lead.provenance.pop(name, None)
    else:
        lead.provenance[name] = provenance


def _provenance_in(stored: list[Any] | None) -> Provenance | None:
    return None if stored is None else Provenance(datetime.fromisoformat(stored[0]), bool(stored[1]))


def _provenance_out(provenance: Provenance | None) -> list[Any] | None:
    return None if provenance is None else [provenance.time.isoformat(), provenance.human]
