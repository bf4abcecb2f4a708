"""The live counters equal the recount from the rows, whatever happens, in whatever order, however often."""

from collections import Counter
from datetime import timedelta
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from services.goals.rules.leads import Lead
from tests.unit.goals.book import Book
from tests.unit.goals.builders import (
    START,
    at,
    booked,
    cancelled,
    captured,
    erased,
    lead_id,
    merged,
    moved,
    updated,
)

NOW = at(days=60)
STAGES = ["new", "contacted", "engaged", "qualified", "meeting_completed", "won", "lost", "dead"]


def told(*events, now=NOW) -> Book:
    book = Book()
    for event in events:
        book.deliver([event], now)
        assert book.recount() == book.live
    return book


@st.composite
def histories(draw):
    """What up to four leads leave behind, as capture and the stage service would tell it, in order."""
    events = []
    for number in range(draw(st.integers(1, 4))):
        created = at(hours=draw(st.integers(0, 200)))
        events.append(captured(number, created=created, owner=draw(st.sampled_from([None, "eva"]))))
        for version in range(2, 2 + draw(st.integers(0, 2))):
            campaign = draw(st.sampled_from([None, "spring", "autumn"]))
            events.append(updated(number, created=created, version=version, campaign=campaign))
        stage, qualified, won = "new", None, None
        for revision in range(1, 1 + draw(st.integers(0, 6))):
            to = draw(st.sampled_from(STAGES))
            time = created + timedelta(hours=draw(st.integers(0, 400)))
            qualified = qualified or (time if to in ("qualified", "meeting_completed", "won") else None)
            won = time if to == "won" else won if to == stage else None
            events.append(
                moved(
                    number,
                    to,
                    origin=stage,
                    revision=revision,
                    time=time,
                    created=created if draw(st.integers(0, 5)) else None,
                    qualified=qualified,
                    won=won,
                    meetings=draw(st.integers(0, 2)),
                    owner=draw(st.sampled_from([None, "eva", "tom"])),
                    corrects=[revision - 1] if revision > 1 and not draw(st.integers(0, 3)) else (),
                )
            )
            stage = to
        for _ in range(draw(st.integers(0, 3))):
            time, meeting = at(hours=draw(st.integers(0, 900))), draw(st.sampled_from(["m1", "m2"]))
            if draw(st.booleans()):
                events.append(booked(number, meeting, ends=at(hours=draw(st.integers(-10, 1_000))), time=time))
            else:
                events.append(cancelled(number, meeting, time=time))
    return events


@st.composite
def deliveries(draw, source=histories):
    """A history in any order, with repetitions, cut into any batches."""
    events = draw(source())
    shuffled = draw(st.permutations(events + draw(st.lists(st.sampled_from(events), max_size=4))))
    batches, rest = [], list(shuffled)
    while rest:
        size = draw(st.integers(1, 6))
        batches.append(rest[:size])
        rest = rest[size:]
    return events, batches


@st.composite
def histories_with_merges(draw):
    events = draw(histories())
    for alias in draw(st.sets(st.sampled_from([1, 2, 3]), max_size=2)):
        kept = draw(st.sampled_from([number for number in range(4) if number != alias]))
        for version in range(1, 1 + draw(st.integers(1, 3))):
            events.append(merged(kept, alias, version=version, undone=version % 2 == 0))
    return events


@st.composite
def histories_with_everything(draw):
    events = draw(histories_with_merges())
    return events + [erased(number) for number in draw(st.sets(st.integers(0, 3), max_size=2))]


@given(deliveries(histories_with_everything))
@settings(max_examples=400)
def test_live_counts_equal_the_recount_through_erasures_at_any_time(delivery):
    _, batches = delivery
    book = Book()
    for batch in batches:
        book.deliver(batch, NOW)
        assert book.recount() == book.live


@given(deliveries())
@settings(max_examples=300)
def test_live_counts_equal_the_recount_after_every_batch(delivery):
    _, batches = delivery
    book = Book()
    for day, batch in enumerate(batches):
        book.deliver(batch, at(days=3 * day))
        assert book.recount() == book.live


@given(deliveries())
@settings(max_examples=200)
def test_order_repetition_and_batches_do_not_change_the_result(delivery):
    events, batches = delivery
    scrambled, straight = Book(), Book()
    for batch in batches:
        scrambled.deliver(batch, NOW)
    straight.deliver(events, NOW)
    assert scrambled.live == straight.live
    assert scrambled.leads == straight.leads


@given(deliveries(histories_with_merges))
@settings(max_examples=300)
def test_live_counts_equal_the_recount_through_merges_and_their_undoing(delivery):
    events, batches = delivery
    scrambled, straight = Book(), Book()
    for batch in batches:
        scrambled.deliver(batch, NOW)
        assert scrambled.recount() == scrambled.live
    straight.deliver(events, NOW)
    assert scrambled.live == straight.live


@given(histories(), st.integers(0, 40))
def test_time_passing_alone_gives_what_a_late_reading_gives(events, day):
    ticking, late = Book(), Book()
    ticking.deliver(events, at(days=day))
    for later in (day + 1, day + 7, 60):
        ticking.tick(at(days=max(day, later)))
        assert ticking.recount() == ticking.live
    late.deliver(events, at(days=60))
    assert ticking.live.counts == late.live.counts


@given(deliveries(histories_with_merges), st.integers(0, 3))
def test_erasing_a_person_keeps_what_was_counted(delivery, number):
    _, batches = delivery
    book = Book()
    for batch in batches:
        book.deliver(batch, NOW)
    counts, moves = Counter(book.live.counts), Counter(book.live.moves)
    book.deliver([erased(number)], NOW)
    assert (book.live.counts, book.live.moves) == (counts, moves)
    assert book.recount() == book.live
    for batch in batches:
        book.seen.clear()
        book.deliver([event for event in batch if event.lead_id == lead_id(number)], NOW)
    assert book.live.counts == counts


@given(histories())
def test_the_seed_query_over_the_newest_events_gives_the_same_number(events):
    """SELECT count(*) FROM leads WHERE status = 'qualified' AND created_on >= period_start."""
    book = Book()
    book.deliver(events, NOW)
    start, rows = at(days=4), {}
    for event in events:
        row = rows.setdefault(event.lead_id, {"status": "new", "revision": 0})
        if event.type == "lead.captured":
            row["created_on"] = event.event.created_on
        if event.type == "stage.changed" and event.event.revision > row["revision"]:
            row.update(status=event.event.status, revision=event.event.revision)
    expected = sum(row["status"] == "qualified" and row["created_on"] >= start for row in rows.values())
    assert book.value("qualified_created", start) == expected


def test_a_goal_value_falls_when_the_status_is_left_again():
    book = told(captured(), moved(to="qualified", qualified=at(hours=1)))
    assert book.value("qualified_created") == 1
    book.deliver([moved(to="lost", origin="qualified", revision=2, qualified=at(hours=1))], NOW)
    assert book.value("qualified_created") == 0
    assert book.value("first_qualified") == 1


def test_reaching_qualified_again_counts_once():
    first = at(hours=1)
    book = told(
        captured(),
        moved(to="qualified", qualified=first),
        moved(to="nurture", origin="qualified", revision=2, qualified=first),
        moved(to="qualified", origin="nurture", revision=3, qualified=first),
    )
    assert book.value("first_qualified") == 1
    assert book.value("qualified_created") == 1


def test_a_correction_takes_back_what_it_corrects():
    book = told(
        captured(),
        moved(to="qualified", qualified=at(hours=1)),
        moved(to="dead", origin="qualified", revision=2, corrects=[1]),
    )
    assert book.value("first_qualified") == 0
    assert book.value("qualified_created") == 0


def test_a_stage_that_comes_before_its_capture_counts_from_the_creation_that_it_names():
    book = told(moved(to="qualified", qualified=at(hours=1), created=at(days=-3)))
    assert book.value("qualified_created", at(days=-3), at(days=-2)) == 1
    book.deliver([captured(created=at(days=-3), source="fair")], NOW)
    assert book.value("qualified_created", source="fair") == 1
    assert book.value("qualified_created") == 1


def test_after_a_merge_the_earlier_creation_counts_and_the_alias_no_longer_does():
    events = [
        captured(0, created=at(days=5)),
        captured(1, created=at(days=1)),
        moved(0, "qualified"),
        moved(1, "qualified"),
    ]
    book = told(*events, merged(0, 1))
    assert book.value("qualified_created") == 1
    assert book.value("qualified_created", at(days=1), at(days=2)) == 1
    book.deliver([merged(0, 1, version=2, undone=True)], NOW)
    assert book.value("qualified_created") == 2
    assert book.value("qualified_created", at(days=5)) == 1


def test_a_lead_keeps_its_creation_though_a_later_change_does_not_name_it():
    book = told(
        moved(to="contacted", created=at(days=-3)), moved(to="qualified", revision=2, origin="contacted", created=None)
    )
    assert book.value("qualified_created", at(days=-3), at(days=-2)) == 1


def test_the_owner_at_capture_counts_until_the_stage_service_names_one():
    book = told(captured(owner="eva"), updated(version=2, owner="max"))
    assert book.value("reached_captured", owner="eva") == 1
    book.deliver([moved(to="contacted", owner="tom")], NOW)
    assert book.value("reached_captured", owner="tom") == 1
    assert book.value("reached_captured", owner="eva") == 0


def test_a_meeting_is_counted_once_though_booking_and_journey_both_tell_of_it():
    book = told(captured(), booked(ends=at(days=2)), moved(to="meeting_completed", meetings=1, time=at(days=2)))
    assert book.value("meetings_held") == 1
    assert book.value("meetings_held", at(days=2), at(days=3)) == 1


def test_a_meeting_that_only_the_journey_knows_counts_when_the_journey_changed():
    book = told(captured(), moved(to="meeting_completed", meetings=1, time=at(days=2)))
    assert book.value("meetings_held", at(days=2), at(days=3)) == 1
    book.deliver([booked(ends=at(days=1))], NOW)
    assert book.value("meetings_held") == 1
    assert book.value("meetings_held", at(days=1), at(days=2)) == 1


def test_the_owner_s_count_outlasts_an_erasure_in_whatever_order_its_news_come():
    """The stage service answers an erasure with a journey that has no owner any more."""
    for number in (0, 1):
        gone = erased(number)
        before = [captured(owner="tom"), captured(1), merged(), moved(to="qualified", owner="eva")]
        news = [gone, moved(to="qualified", origin="qualified", revision=2, cause=gone.id)]
        for batches in ([[one] for one in before + news], [before, news], [before + news]):
            for turn in permutations(batches[-2:]) if len(batches) > 2 else [batches]:
                book = Book()
                for batch in [*batches[:-2], *turn] if len(batches) > 2 else turn:
                    book.deliver(batch, NOW)
                assert book.value("qualified_created", owner="eva") == 1, (number, turn)
                assert book.recount() == book.live


def test_an_erased_lead_stands_nowhere_and_its_moves_stay():
    book = told(captured(), moved(to="contacted"))
    book.deliver([erased()], NOW)
    assert book.live.stands == {}
    assert sum(book.live.moves.values()) == 1


def test_a_lead_that_was_only_captured_stands_in_new():
    assert told(captured()).live.stands == {("acme", "new"): 1}


def test_leads_of_two_tenants_with_the_same_id_are_two_leads():
    book = Book()
    event = captured()
    other = type(event)(
        event.envelope._replace(tenant="beta"),
        event.event,
        START,
    )
    book.deliver([event], NOW)
    book.seen.clear()
    book.deliver([other], NOW)
    assert book.live.stands == {("acme", "new"): 1, ("beta", "new"): 1}


def test_the_furthest_step_is_told_by_the_facts_alone():
    assert Lead(lead_id(0)).furthest == 0
    assert Lead(lead_id(0), contacted=True).furthest == 1
    assert Lead(lead_id(0), status="qualified").furthest == 2
    assert Lead(lead_id(0), held_on=(START,)).furthest == 3
    assert Lead(lead_id(0), won_on=START).furthest == 4
