"""The merge of two leads that are one person: what the kept lead takes over from the alias, and how that is undone.

The alias keeps its row as it was. What the kept lead took over is recorded field by field, so that an undo can restore
it wherever nobody has changed it since.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.capture.rules.consent import CHANNELS, ConsentChange, is_stricter
from services.capture.rules.contact import ADDRESSES
from services.capture.rules.lead import Lead, Provenance


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
    always stays. The strictest consent holds for each channel.
    """
    taken_over: dict[str, Any] = {}
    changed = []
    for name in [*alias.fields, *(f"attributes.{name}" for name in alias.attributes)]:
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
    record: dict[str, Any] = {"fields": taken_over}
    before_consent = dict(kept.consent)
    for channel in CHANNELS:
        if is_stricter(alias.consent.get(channel), kept.consent.get(channel)):
            name = f"consent.{channel}"
            record.setdefault("consent_marks", {})[name] = _provenance_out(kept.provenance.get(name))
            kept.remember(name)
            kept.consent_changes.append(_consent_change(kept, channel, alias.consent, "merge"))
            kept.consent[channel] = alias.consent[channel]
            kept.consent |= {part: alias.consent.get(part) for part in ("basis", "source", "at")}
            kept.provenance[name] = alias.provenance_of(name) or Provenance(alias.as_of)
            changed.append(name)
    if kept.consent != before_consent:
        record["consent"] = {"before": before_consent, "after": dict(kept.consent)}
    kept.unsaved = kept.unsaved or bool(taken_over) or "consent" in record
    return changed, record


def undo(kept: Lead, record: dict[str, Any]) -> list[str]:
    """Restore what the merge changed, where nobody has changed it since; the names of the fields that changed."""
    changed = []
    for name, entry in record.get("fields", {}).items():
        if _provenance_out(kept.provenance.get(name)) != entry["after"]:
            continue
        if kept.value_of(name) != entry["before"]:
            changed.append(name)
        kept.set_value(name, entry["before"])
        _restore_provenance(kept, name, entry["mark"])
        kept.unsaved = True
    consent = record.get("consent")
    if consent is not None and kept.consent == consent["after"]:
        withdrawn = [name for name in CHANNELS if consent["before"].get(name) != kept.consent.get(name)]
        for channel in withdrawn:
            kept.remember(f"consent.{channel}")
            kept.consent_changes.append(_consent_change(kept, channel, consent["before"], "undo"))
        changed += [f"consent.{channel}" for channel in withdrawn]
        kept.consent = dict(consent["before"])
        for name, stored in record.get("consent_marks", {}).items():
            _restore_provenance(kept, name, stored)
        kept.unsaved = True
    return changed


def _consent_change(kept: Lead, channel: str, now: Mapping[str, Any], cause: str) -> ConsentChange:
    """What becomes of the kept lead's consent on a channel, from the consent that counts now."""
    at = now.get("at")
    return ConsentChange(
        channel,
        now.get(channel) or "unknown",
        kept.consent.get(channel) or "unknown",
        datetime.fromisoformat(at) if at else kept.as_of,
        now.get("source"),
        now.get("basis"),
        None,
        cause,
    )


def _restore_provenance(lead: Lead, name: str, stored: list[Any] | None) -> None:
    if stored is None:
        lead.provenance.pop(name, None)
    else:
        lead.provenance[name] = Provenance(datetime.fromisoformat(stored[0]), bool(stored[1]))


def _provenance_out(provenance: Provenance | None) -> list[Any] | None:
    return None if provenance is None else [provenance.time.isoformat(), provenance.human]
