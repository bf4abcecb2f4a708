"""Questions to providers that use a network: lease what is due, record the answers, refresh what is old.

Nothing here holds a transaction open while a provider is asked: the worker asks between `lease_due` and
`record_results`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from services.enrichment.providers.chain import NETWORK
from services.enrichment.providers.provider import ProviderConfig
from services.enrichment.rules import Findings
from services.enrichment.rules.breaker import MAX_WAITS, ProviderHealth, bounded_wait, retry_at
from services.enrichment.rules.questions import Question
from services.enrichment.store import lookups, providers, publications
from services.enrichment.store.lookups import LookupKey
from services.enrichment.store.providers import ProviderKey
from services.enrichment.use_cases.provider_questions import findings_of
from services.enrichment.use_cases.setups import config_of
from shared.db import Row, UnitOfWork
from shared.store import outbox

SPARE = timedelta(seconds=15)
"""How much longer a lease is than the provider may take."""
_ASK_AGAIN_AFTER = timedelta(hours=1)
"""After a question failed for good; a new lead of that company then asks again, and nothing else does."""
_FACT_BYTES = 32_000
"""JSON of the facts of one answer; what is beyond is left out."""
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Leased:
    """One question that this process asks now."""

    key: LookupKey
    config: ProviderConfig
    question: Question
    bulk: bool
    attempts: int


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it. `findings` is None if there was no answer; then `error` has the reason, as a sentence."""

    leased: Leased
    outcome: str
    ms: int
    findings: Findings | None = None
    error: str | None = None
    again: bool = False
    wait: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Slots:
    """How many questions a process may ask at the same time, and what is under way."""

    free: int
    free_for_bulk: int
    for_each_provider: int
    under_way: Mapping[ProviderKey, int]


async def choose_due(work: UnitOfWork, slots: Slots) -> list[Row]:
    """The questions that are due, as many as may be asked: what leads wait for before bulk work.

    One provider never takes all the slots, so one that is slow delays no other; and none takes slots for what its rate
    limit or its circuit breaker does not allow now.
    """
    room: dict[tuple[str, UUID], int] = {}
    for row, health in await providers.with_due_questions(work, NETWORK):
        free = max(0, slots.for_each_provider - slots.under_way.get(_provider(row), 0))
        allowed = _allowance(row, health, free, work.now)
        if allowed > 0:
            room[row["tenant_id"], row["generation"]] = allowed
    chosen: list[Row] = []
    for bulk, free in ((False, slots.free), (True, min(slots.free, slots.free_for_bulk))):
        free = min(free, slots.free - len(chosen))
        if room and free > 0:
            rows = await lookups.due(work, room, bulk=bulk, limit=free)
            for row in rows:
                room[row["tenant_id"], row["generation"]] -= 1
            chosen += rows
    return chosen


def _allowance(provider: Row, health: ProviderHealth, wanted: int, now: datetime) -> int:
    """How many of the wanted requests to a provider its rate limit and circuit breaker allow now."""
    breaks = NETWORK[provider["kind"]].breaks
    return health.allowance(provider["config"]["rate_per_minute"], wanted, now, breaks=breaks)


def _provider(row: Row) -> ProviderKey:
    return row["tenant_id"], row["name"]


async def lease_due(work: UnitOfWork, chosen: Sequence[Row]) -> list[Leased]:
    """Lease the chosen questions, as far as rate limits allow and nobody else has taken them."""
    health = await providers.lock_health(work, {_provider(row) for row in chosen})
    by_provider: dict[ProviderKey, list[Row]] = {}
    for row in chosen:
        by_provider.setdefault(_provider(row), []).append(row)
    wanted: dict[LookupKey, Row] = {}
    for key, rows in by_provider.items():
        for row in rows[: _allowance(rows[0], health[key], len(rows), work.now)]:
            wanted[row["tenant_id"], row["generation"], row["key"]] = row
    if not wanted:
        return []
    longest = max(timedelta(milliseconds=row["config"]["timeout_ms"]) for row in wanted.values())
    leased = await lookups.lease(work, wanted, longest + SPARE)
    secrets = await providers.secrets_of(work, {(_provider(wanted[key]), key[1]) for key in leased})
    # What was configured otherwise since it was chosen is not asked: the sweeper deletes its questions.
    leased = {key for key in leased if _provider(wanted[key]) in secrets}
    if not leased:
        return []
    counts = Counter(_provider(wanted[key]) for key in leased)
    asked = {
        key: health[key].after_asking(count, by_provider[key][0]["config"]["rate_per_minute"], work.now)
        for key, count in counts.items()
    }
    await providers.save_health(work, asked)
    return [
        Leased(
            key,
            config_of(row, now=work.now, headers=secrets[_provider(row)]),
            Question(row["question"]),
            row["bulk"],
            row["attempts"],
        )
        for key, row in wanted.items()
        if key in leased
    ]


async def record_results(work: UnitOfWork, results: Sequence[Result]) -> None:
    """Store answers and failures, the health of the providers, and which leads are to be published for it."""
    health = await providers.lock_health(work, ((each.leased.key[0], each.leased.config.name) for each in results))
    for each in results:
        key = (each.leased.key[0], each.leased.config.name)
        if each.findings is not None:
            health[key] = health[key].after_answer(work.now)
        else:
            health[key] = health[key].after_failure(
                each.error or each.outcome,
                work.now,
                breaks=NETWORK[each.leased.config.kind].breaks,
                wait=each.wait,
            )
    await providers.save_health(work, health)
    before = await lookups.read(work, (each.leased.key for each in results))
    kept = [each for each in results if each.leased.key in before]  # the others were erased meanwhile
    if not kept:
        return
    await lookups.save_answers(work, [_row(work, each, before[each.leased.key]) for each in kept])
    for bulk in (False, True):
        group = [each for each in kept if each.leased.bulk is bulk]
        changed = {each.leased.key for each in group if _differs(each, before[each.leased.key])}
        others = {each.leased.key for each in group} - changed
        await publications.answered(work, changed, others, bulk=bulk)


def _differs(result: Result, before: Row) -> bool:
    if result.findings is None:
        return False
    known = {name: finding.value for name, finding in findings_of(before, result.leased.config.name).items()}
    return known != {name: finding.value for name, finding in result.findings.items()}


def _row(work: UnitOfWork, result: Result, before: Row) -> tuple[Any, ...]:
    due_at = None
    if result.findings is not None:
        expires_at = work.now + result.leased.config.max_age
    else:
        attempts = result.leased.attempts + 1
        due_at = retry_at(attempts, work.now) if result.again else None
        if result.wait is not None:
            due_at = work.now + bounded_wait(result.wait) if attempts < MAX_WAITS else None
        expires_at = work.now + _ASK_AGAIN_AFTER
        if before["findings"] is not None:  # an earlier answer is kept, and refreshed in its turn
            expires_at = max(expires_at, work.now + result.leased.config.max_age)
    findings = _bounded(result.findings) if result.findings is not None else None
    return (*result.leased.key, result.outcome, findings, result.error, result.ms, expires_at, due_at)


def _bounded(findings: Findings) -> str:
    """The facts as JSON; those beyond the limit are left out."""
    kept: dict[str, Any] = {}
    size = 2
    for name, finding in findings.items():
        fact = {"value": finding.value, "confidence": finding.confidence}
        size += len(orjson.dumps(fact)) + len(name) + 4
        if size > _FACT_BYTES:
            break
        kept[name] = fact
    return orjson.dumps(kept).decode()


async def refresh_expired(work: UnitOfWork) -> list[LookupKey]:
    """A page of questions whose answers are too old; none of a provider that is behind, or while the outbox is long."""
    if not await outbox.is_short(work):
        return []
    return _keys(await lookups.expired(work, for_each=_PAGE, limit=_PAGE))


async def outdated(work: UnitOfWork) -> list[LookupKey]:
    """A page of questions that count no more."""
    return _keys(await lookups.outdated(work, _PAGE))


def _keys(rows: Iterable[Row]) -> list[LookupKey]:
    return [(row["tenant_id"], row["generation"], row["key"]) for row in rows]
