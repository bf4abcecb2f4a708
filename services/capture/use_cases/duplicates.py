"""The search for likely duplicates: after capture, page by page, at a cost that does not grow with the leads."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import structlog

from services.capture.rules.blocking import keys_of
from services.capture.rules.lead import Lead
from services.capture.rules.likeness import Likeness, are_namesakes, compare, shares_address, weigh
from services.capture.rules.matching import DuplicatePair
from services.capture.rules.profiles import Profile, profile_of
from services.capture.store import blocks, duplicates, failed_searches
from services.capture.store.duplicates import KnownPair
from shared.db import Database, UnitOfWork, locks, may_pass_later
from shared.ids import LeadKey
from shared.observability import WORKER_FAILURES
from shared.store import outbox

log = structlog.get_logger()

_BUSY = 200
"""Events in the outbox from which on capture is busy."""
_TENANTS = 50
MOST_COMPARED = 25
"""Leads that one lead is compared with: those that share most blocking keys with it."""
MOST_FOUND = 10
"""Pairs that one search adds for one lead: those with the highest scores."""


class Compared:
    """The leads searched for, each compared with its neighbours and with the others of its stored pairs."""

    def __init__(
        self,
        profiles: Mapping[LeadKey, Sequence[Profile]],
        neighbours: Mapping[LeadKey, Sequence[LeadKey]],
    ) -> None:
        self._profiles = profiles
        self._evidence: dict[tuple[LeadKey, LeadKey], list[str]] = {}
        self.neighbours = {key: [other for other in others if other in profiles] for key, others in neighbours.items()}
        self._namesakes = {
            key: sum(are_namesakes(self._compare(key, other)) for other in others)
            for key, others in self.neighbours.items()
        }

    def likeness(self, one: LeadKey, other: LeadKey) -> Likeness:
        """How likely the two are one person, by what their tenant's leads are called."""
        namesakes = max(self._namesakes.get(one, 1), self._namesakes.get(other, 1))
        return weigh(self._compare(one, other), namesakes)

    def _compare(self, one: LeadKey, other: LeadKey) -> list[str]:
        pair = (min(one, other), max(one, other))
        if pair not in self._evidence:
            self._evidence[pair] = compare(self._profiles[one], self._profiles[other])
        return self._evidence[pair]


async def search_next_page(database: Database, threshold: float, page: int, *, also_when_busy: bool = True) -> int:
    """Search for the duplicates of up to `page` leads that wait, of all tenants in turn; how many waited.

    One process does it at a time, so that of two leads captured together one sees the other's keys. While many events
    wait to be sent it does nothing, unless `also_when_busy`.
    """
    async with database.worker() as work:
        if not (also_when_busy or await outbox.is_short(work, _BUSY)):
            return 0
        again = await failed_searches.due(work, page)
        tenants = await blocks.waiting_tenants(work, _TENANTS)
    if again:
        async with database.worker({tenant for tenant, _ in again}) as work:
            await failed_searches.try_again(work, again)
    if not tenants:
        return len(again)
    taken: set[LeadKey] = set()
    try:
        async with database.worker(tenants, lock=locks.DUPLICATES) as work:
            await blocks.plan_anew(work)
            taken = await blocks.take_waiting(work, tenants, max(1, page // len(tenants)))
            await search(work, taken, threshold)
            await failed_searches.forget(work, taken)
    except Exception as error:
        if may_pass_later(error) or not taken:
            raise
        for lead in sorted(taken):
            await _search_alone(database, lead, threshold)
    return len(taken)


async def _search_alone(database: Database, lead: LeadKey, threshold: float) -> None:
    """Search for the duplicates of one lead of a page that failed; where it is to blame, it is put off or set aside."""
    try:
        async with database.worker([lead[0]], lock=locks.DUPLICATES) as work:
            await blocks.plan_anew(work)
            if await blocks.take(work, lead):
                await search(work, {lead}, threshold)
                await failed_searches.forget(work, {lead})
    except Exception as error:
        if may_pass_later(error):
            raise
        async with database.worker([lead[0]], lock=locks.DUPLICATES) as work:
            await blocks.take(work, lead)
            reason = f"could not be compared, by a defect in this service: {type(error).__name__}"
            set_aside = await failed_searches.record(work, lead, reason)
        WORKER_FAILURES.labels(database.service, "duplicates").inc()
        log.error("duplicates.search_failed", tenant=lead[0], lead=str(lead[1]), set_aside=set_aside, exc_info=error)


async def search(work: UnitOfWork, wanted: Iterable[LeadKey], threshold: float) -> None:
    """Store the blocking keys of these leads, and the pairs of each that are at least as likely as `threshold`.

    A pair that was found before gets its present score, and is withdrawn where nothing speaks for it any more; one that
    a person decided stays as it is, also for the lead that one of its two was merged into.
    """
    wanted = set(wanted)
    found = await blocks.with_aliases(work, wanted)
    profiles = {key: _profiles(leads) for key, leads in found.items()}
    keys = {key: frozenset().union(*map(keys_of, of_lead)) for key, of_lead in profiles.items()}
    known = {(lead.tenant, lead.lead_id) for leads in found.values() for lead in leads}
    await blocks.replace_keys(work, {key: keys.get(key, frozenset()) for key in wanted | known})
    await duplicates.delete_of(work, wanted - known)

    stored = await duplicates.known_pairs(work, known)
    neighbours = await blocks.neighbours(work, keys, MOST_COMPARED)
    others = {other for of_lead in neighbours.values() for other in of_lead}
    others |= {(pair.tenant, lead_id) for pair in stored for lead_id in pair.lead_ids}
    profiles |= {key: _profiles(leads) for key, leads in (await blocks.with_aliases(work, others - set(found))).items()}
    compared = Compared(profiles, neighbours)
    await _review(work, stored, compared, threshold)
    await duplicates.insert(work, _new_pairs(stored, compared, threshold), work.now)


def _profiles(leads: Sequence[Lead]) -> list[Profile]:
    return [profile_of(lead.fields, lead.attributes) for lead in leads]


async def _review(work: UnitOfWork, stored: Sequence[KnownPair], compared: Compared, threshold: float) -> None:
    """Look again at the stored pairs, of which several may be about the same two leads since a merge."""
    decided = {_leads_of(pair) for pair in stored if pair.state == "distinct"}
    reviewed: set[tuple[str, UUID, UUID]] = set()
    withdrawn: list[KnownPair] = []
    rescored: list[KnownPair] = []
    for pair in stored:
        if pair.state != "open":
            continue
        leads = tenant, a, b = _leads_of(pair)
        present = compared.likeness((tenant, a), (tenant, b))
        if leads in decided or leads in reviewed or not (present.score >= threshold or shares_address(pair.reasons)):
            withdrawn.append(pair)
            continue
        reviewed.add(leads)
        # An address that only a submission had is not compared any more; its evidence stays.
        if present != pair.likeness and (shares_address(present.reasons) or not shares_address(pair.reasons)):
            rescored.append(pair._replace(likeness=present))
    await duplicates.withdraw(work, withdrawn)
    await duplicates.rescore(work, rescored)


def _new_pairs(stored: Sequence[KnownPair], compared: Compared, threshold: float) -> list[DuplicatePair]:
    """The pairs that are likely enough and not stored yet."""
    seen = {_leads_of(pair) for pair in stored}
    pairs: list[DuplicatePair] = []
    for key, others in compared.neighbours.items():
        found: list[DuplicatePair] = []
        for other in others:
            (tenant, a), (_, b) = sorted((key, other))
            if (tenant, a, b) in seen:
                continue
            seen.add((tenant, a, b))
            present = compared.likeness(key, other)
            if present.score >= threshold:
                found.append(DuplicatePair(tenant, (a, b), *present))
        pairs += sorted(found, key=lambda pair: -pair.score)[:MOST_FOUND]
    return pairs


def _leads_of(pair: KnownPair) -> tuple[str, UUID, UUID]:
    return (pair.tenant, *pair.lead_ids)
