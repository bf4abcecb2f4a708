"""Sequences as people write them: new ones, new versions, switching on and off, approving their templates."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.outreach.drafts.composer import strategy_check
from services.outreach.drafts.strategies import from_body
from services.outreach.rules import is_country
from services.outreach.sending.templates import check_template, names_in
from services.outreach.sequences.built_in import BUILT_IN
from services.outreach.sequences.rules import ALLOWED_NAMES, number_steps, review_of
from services.outreach.sequences.store import enrolments, sequences
from services.outreach.sequences.store.sequences import StoredSequence
from services.outreach.sequences.strategies import STRATEGIES, with_aim
from services.outreach.sequences.use_cases.texts import approved_template
from shared.db import UnitOfWork
from shared.errors import Conflict, Invalid, NotFound
from shared.http import check_if_match
from shared.ids import derived_id, uuid7

AUTHOR = "system:built-in"


async def create(
    work: UnitOfWork,
    tenant: str,
    given: Mapping[str, Any],
    author: str,
    *,
    sequence_id: UUID | None = None,
    built_in: str | None = None,
) -> UUID:
    """Store a sequence, switched off; its id. Raises Invalid, naming the field, for what cannot be a sequence."""
    body = _body(given, before=(), highest=0)
    sequence_id = sequence_id or uuid7()
    highest = max(each["step"] for each in body["steps"])
    if await sequences.add(work, tenant, sequence_id, given["name"], highest, built_in):
        await sequences.add_version(work, tenant, sequence_id, 1, body, author)
        await _add_templates(work, tenant, sequence_id, body)
    return sequence_id


async def ensure_built_in(work: UnitOfWork, tenant: str) -> None:
    """The built-in sequences stand ready in every tenant, switched off, as its own to change."""
    for name, given in BUILT_IN.items():
        sequence_id = built_in_id(tenant, name)
        if await sequences.get(work, tenant, sequence_id) is None:
            await create(work, tenant, given, AUTHOR, sequence_id=sequence_id, built_in=name)


def built_in_id(tenant: str, name: str) -> UUID:
    """The id of a tenant's copy of a built-in sequence."""
    return derived_id("sequence", tenant, name)


async def get(work: UnitOfWork, tenant: str, sequence_id: UUID, version: int | None = None) -> StoredSequence:
    """A sequence. Raises NotFound."""
    found = await sequences.get(work, tenant, sequence_id, version)
    if found is None:
        await ensure_built_in(work, tenant)
        found = await sequences.get(work, tenant, sequence_id, version)
    if found is None:
        raise NotFound("no such sequence" if version is None else "no such version of the sequence")
    return found


async def change(
    work: UnitOfWork,
    tenant: str,
    sequence_id: UUID,
    given: Mapping[str, Any],
    author: str,
    if_match: str | None = None,
) -> None:
    """Store another version, which new enrolments follow; those that run keep theirs.

    Where the new version has a template that is not approved yet, nobody is enrolled until it is. `if_match`: as in
    `check_if_match`, judged once nobody else can write.
    """
    await get(work, tenant, sequence_id)
    present = await sequences.get(work, tenant, sequence_id, lock=True)
    assert present is not None
    check_if_match(if_match, present.newest)
    body = _body(given, present.body["steps"], present.highest_step)
    highest = max(present.highest_step, *(each["step"] for each in body["steps"]))
    version = present.newest + 1
    await sequences.add_version(work, tenant, sequence_id, version, body, author)
    await _add_templates(work, tenant, sequence_id, body)
    await sequences.set_version(work, tenant, sequence_id, given["name"], version, highest)


async def activate(
    work: UnitOfWork, tenant: str, sequence_id: UUID, actor: str | None, hashes: Sequence[str]
) -> StoredSequence:
    """Approve templates, if any, and switch the sequence on. `actor`: the person, None for a machine.

    Raises Conflict for a hash that is none of the present templates, and while a template that nobody reviews each time
    is not approved.
    """
    await get(work, tenant, sequence_id)
    present = await sequences.get(work, tenant, sequence_id, lock=True)
    assert present is not None
    known = {each["template_sha256"] for each in present.body["steps"] if each["template_sha256"]}
    if unknown := [each for each in hashes if each not in known]:
        raise Conflict(f"{unknown[0][:64]} is not the hash of a present template: read the sequence again")
    if hashes:
        if actor is None:
            raise Conflict("only people approve templates")
        await sequences.approve_templates(work, tenant, sequence_id, sorted(set(hashes)), actor)
    if missing := await sequences.unapproved_steps(work, tenant, present):
        raise Conflict(f"the template of step {missing} is not approved: name its hash in template_sha256s")
    if present.state != "active":
        await sequences.set_state(work, tenant, sequence_id, "active")
        await enrolments.wake_sequence(work, tenant, sequence_id)
    return await get(work, tenant, sequence_id)


async def pause(work: UnitOfWork, tenant: str, sequence_id: UUID) -> StoredSequence:
    """Switch a sequence off: its enrolments stay where they are, and nothing is sent."""
    present = await get(work, tenant, sequence_id)
    if present.state == "active":
        await sequences.set_state(work, tenant, sequence_id, "paused")
    return await get(work, tenant, sequence_id)


async def _add_templates(work: UnitOfWork, tenant: str, sequence_id: UUID, body: Mapping[str, Any]) -> None:
    templates = [approved_template(each).canonical() for each in body["steps"] if each["template_sha256"]]
    await sequences.add_templates(work, tenant, sequence_id, list(dict.fromkeys(templates)))


def _body(given: Mapping[str, Any], before: Sequence[Mapping[str, Any]], highest: int) -> dict[str, Any]:
    """A version as it is stored; raises Invalid."""
    if given["holidays"] and not is_country(given["holidays"]):
        raise _wrong("holidays", "is no country whose holidays are known (ISO 3166, such as DE or DE-BY)")
    steps = [_step(each, number, given["review"]) for number, each in enumerate(given["steps"])]
    try:
        numbers = number_steps(steps, before, highest)
    except ValueError as error:
        raise _wrong("steps", str(error)) from None
    return {
        **{name: given[name] for name in _KEPT},
        "steps": [{**each, "step": number} for each, number in zip(steps, numbers, strict=True)],
    }


_KEPT = ("window", "holidays", "review", "if_blocked", "if_rejected", "if_expired", "exit_stages", "enrol_when")


def _step(given: Mapping[str, Any], position: int, review: str) -> dict[str, Any]:
    where = f"steps.{position}"
    step = {**given, "strategy": _strategy(given["strategy"], where), "fields": [], "template_sha256": None}
    step["review"] = review_of(
        given["review"], review, has_strategy=step["strategy"] is not None, is_template=given["template"]
    )
    if step["strategy"] is None:
        names: set[str] = set()
        for part in ("subject", "body"):
            if given[part] is not None:
                check_template(given[part], f"{where}.{part}")
                names |= names_in(given[part])
        if unknown := sorted(names - set(ALLOWED_NAMES)):
            raise _wrong(f"{where}.body", f"{unknown[0]} is no field; allowed are {', '.join(ALLOWED_NAMES)}")
        step["fields"] = sorted(names)
        step["template_sha256"] = approved_template(step).sha256
    return step


def _strategy(given: str | Mapping[str, Any] | None, where: str) -> dict[str, Any] | None:
    if given is None:
        return None
    if isinstance(given, str):
        return STRATEGIES.get(given) or with_aim(given)
    present = {name: value for name, value in given.items() if value is not None}
    strategy = {**STRATEGIES["follow_up"], **present}
    strategy["templates"] = {**STRATEGIES["follow_up"]["templates"], **(present.get("templates") or {})}
    try:
        strategy_check.check_strategy(from_body("sequence", "contacted", 0, strategy))
    except Invalid as error:
        errors = [{"field": f"{where}.strategy.{each['field']}", "message": each["message"]} for each in error.errors]
        raise Invalid(error.detail, errors) from None
    return strategy


def _wrong(field: str, message: str) -> Invalid:
    return Invalid("the sequence is not valid", [{"field": field, "message": message}])
