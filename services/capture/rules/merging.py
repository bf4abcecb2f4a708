"""Two leads that are one person: what the kept one takes over, and how it gets its own back.

The alias keeps its row as it was. What the kept lead took is recorded field by field, so that an undo restores it,
except for what somebody changed since.
"""

from datetime import datetime
from typing import Any

from services.capture.rules.lead import Lead, Mark

_STRICTNESS = {"granted": 1, "denied": 2}


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
    """Fill the gaps of `kept` from `alias`; the names of what changed, and the record for `undo`.

    What the kept lead says itself stays, unless a person wrote the alias's value and none wrote this one. The strictest
    consent holds for each channel; a channel nobody spoke of is no restriction.
    """
    taken: dict[str, Any] = {}
    changed = []
    for name in [*alias.fields, *(f"attributes.{name}" for name in alias.attributes)]:
        mine, theirs = kept.mark(name), alias.mark(name)
        assert theirs is not None
        stays = mine is not None and (mine.human or not theirs.human or name in ("email", "phone"))
        if stays:
            continue
        before = kept.says(name)
        if before != alias.says(name):
            changed.append(name)
        taken[name] = {"before": before, "mark": _write(kept.marks.get(name)), "after": _write(theirs)}
        kept.put(name, alias.says(name))
        kept.marks[name] = theirs
    record: dict[str, Any] = {"fields": taken}
    before_consent = dict(kept.consent)
    for channel in ("email", "sms"):
        if _STRICTNESS.get(alias.consent.get(channel, ""), 0) > _STRICTNESS.get(kept.consent.get(channel, ""), 0):
            name = f"consent.{channel}"
            record.setdefault("consent_marks", {})[name] = _write(kept.marks.get(name))
            kept.consent[channel] = alias.consent[channel]
            kept.consent |= {part: alias.consent.get(part) for part in ("basis", "source", "at")}
            kept.marks[name] = alias.mark(name) or Mark(alias.as_of)
            changed.append(name)
    if kept.consent != before_consent:
        record["consent"] = {"before": before_consent, "after": dict(kept.consent)}
    kept.touched = kept.touched or bool(taken) or "consent" in record
    return changed, record


def undo(kept: Lead, record: dict[str, Any]) -> list[str]:
    """Give back what the merge brought, where nobody changed it since; the names of what changed."""
    changed = []
    for name, entry in record.get("fields", {}).items():
        if _write(kept.marks.get(name)) != entry["after"]:
            continue
        if kept.says(name) != entry["before"]:
            changed.append(name)
        kept.put(name, entry["before"])
        _restore(kept, name, entry["mark"])
        kept.touched = True
    consent = record.get("consent")
    if consent is not None and kept.consent == consent["after"]:
        changed += [
            f"consent.{channel}"
            for channel in ("email", "sms")
            if consent["before"].get(channel) != kept.consent.get(channel)
        ]
        kept.consent = dict(consent["before"])
        for name, mark in record.get("consent_marks", {}).items():
            _restore(kept, name, mark)
        kept.touched = True
    return changed


def _restore(lead: Lead, name: str, mark: list[Any] | None) -> None:
    if mark is None:
        lead.marks.pop(name, None)
    else:
        lead.marks[name] = Mark(datetime.fromisoformat(mark[0]), bool(mark[1]))


def _write(mark: Mark | None) -> list[Any] | None:
    return None if mark is None else [mark.time.isoformat(), mark.human]
