"""Merged leads: one journey from the signals of both, and both restored when the merge is undone."""

from uuid import uuid4

from shared.testing.builders import ALead, ago


def merge(lead: ALead, alias: ALead, version: int, *, undone: bool = False, merge_id: str) -> None:
    lead.publish(
        "lead.merged",
        {
            "lead_id": str(lead.id),
            "alias_id": str(alias.id),
            "merge_id": merge_id,
            "version": version,
            **({"undone": True} if undone else {}),
        },
    )


async def test_a_merged_lead_is_the_fold_of_both_and_undo_restores_both_exactly(stages, captured, bus, tenant):
    kept, alias = await captured(2, time=ago(hours=8))
    kept.sent(time=ago(hours=5))
    alias.sent(time=ago(hours=6))
    alias.replied(time=ago(hours=4))
    await bus.read("stage.changed", tenant=tenant, count=3)
    async with stages.client(tenant, "viewer") as api:

        async def both():
            return [
                {k: v for k, v in (await api.get(f"/v1/leads/{lead.id}")).json().items() if k != "revision"}
                for lead in (kept, alias)
            ]

        before = await both()
        assert [lead["stage"] for lead in before] == ["contacted", "engaged"]
        merge_id = str(uuid4())
        merge(kept, alias, 1, merge_id=merge_id)
        merged = (await bus.read("stage.changed", tenant=tenant, count=4))[-1]
        assert merged.lead_id == str(kept.id)
        assert merged.data["to"] == "engaged"
        one, other = await both()
        assert one == other
        assert (one["lead_id"], one["stage"]) == (str(kept.id), "engaged")
        assert len((await api.get("/v1/queue")).json()["items"]) == 1

        merge(kept, alias, 2, undone=True, merge_id=merge_id)
        restored = (await bus.read("stage.changed", tenant=tenant, count=5))[-1]
        assert (restored.lead_id, restored.data["to"]) == (str(kept.id), "contacted")
        assert await both() == before
        assert len((await api.get("/v1/queue")).json()["items"]) == 2


async def test_the_score_and_the_mode_of_an_alias_are_not_those_of_the_lead(stages, captured, bus, tenant, eventually):
    kept, alias = await captured(2, time=ago(hours=8))
    kept.scored(85, time=ago(hours=6))
    kept.publish("outreach.mode_changed", {"mode": "sms_only", "previous": "blended"}, time=ago(hours=6))
    alias.scored(20, time=ago(hours=5))
    await bus.read("lead.became_hot", tenant=tenant)
    merge_id = str(uuid4())
    merge(kept, alias, 1, merge_id=merge_id)
    alias.publish("outreach.mode_changed", {"mode": "blended", "previous": "email_only"}, time=ago(hours=1))
    alias.scored(21, time=ago(hours=1))
    kept.sent(time=ago(minutes=30))
    bus.flush()

    async def journey(lead: ALead):
        async with stages.database.worker() as work:
            row = await work.fetch_one(
                "SELECT journey, merged_into FROM lead WHERE tenant_id = :t AND lead_id = :l", t=tenant, l=lead.id
            )
        return row

    async def merged():
        return (await journey(alias))["merged_into"] and (await journey(kept))["journey"]["stage"] == "contacted"

    await eventually(merged)
    after = (await journey(kept))["journey"]
    assert (after.get("score"), after.get("hot"), after.get("mode")) == (85, True, "sms_only")
    merge(kept, alias, 2, undone=True, merge_id=merge_id)
    bus.flush()

    async def restored():
        return (await journey(alias))["journey"].get("score") == 21

    await eventually(restored)
    assert len(await bus.read("lead.became_hot", tenant=tenant)) == 1


async def test_a_repeated_merge_or_erasure_changes_nothing_whatever_it_says(stages, captured, bus, tenant, eventually):
    kept, alias, gone, other = await captured(4, time=ago(hours=8))
    at = ago(hours=1)

    def merged_into(lead, version: int) -> None:
        data = {"lead_id": str(lead.id), "alias_id": str(alias.id), "merge_id": str(uuid4()), "version": version}
        lead.publish("lead.merged", data, time=at, id="merge-1")
        bus.flush()

    def erased(lead) -> None:
        lead.publish("lead.erased", {"lead_id": str(lead.id)}, time=at, id="erasure-1")
        bus.flush()

    async with stages.client(tenant, "viewer") as api:

        async def of_alias():
            return (await api.get(f"/v1/leads/{alias.id}")).json()["lead_id"] == str(kept.id)

        async def is_gone():
            return (await api.get(f"/v1/leads/{gone.id}")).status_code == 404

        async def contacted():
            return (await api.get(f"/v1/leads/{other.id}")).json()["stage"] == "contacted"

        merged_into(kept, 1)
        erased(gone)
        await eventually(of_alias)
        await eventually(is_gone)
        merged_into(other, 2)
        erased(other)
        other.sent(time=ago(minutes=1))
        bus.flush()
        await eventually(contacted)
        assert await of_alias()


async def test_dead_wins_a_merge_and_its_undo_frees_the_living(stages, captured, bus, tenant):
    living, dead = await captured(2, time=ago(hours=8))
    living.sent(time=ago(hours=7))
    dead.publish("contact.opted_out", {"channel": "all", "how": "unsubscribe"}, time=ago(hours=6))
    await bus.read("stage.changed", tenant=tenant, count=2)
    merge_id = str(uuid4())
    merge(living, dead, 1, merge_id=merge_id)
    (killed,) = await bus.read("stage.changed", tenant=tenant, where=lambda s: s.data["revision"] == 2)
    assert (killed.lead_id, killed.data["to"]) == (str(living.id), "dead")
    merge(living, dead, 2, undone=True, merge_id=merge_id)
    freed = (await bus.read("stage.changed", tenant=tenant, where=lambda s: s.lead_id == str(living.id), count=3))[-1]
    assert freed.data["to"] == "contacted"
    assert freed.data["corrects"] == [killed.id]


async def test_a_signal_of_an_alias_counts_for_the_kept_lead(stages, captured, bus, tenant, eventually):
    kept, alias = await captured(2, time=ago(hours=8))
    merge(kept, alias, 1, merge_id=str(uuid4()))
    bus.flush()
    async with stages.client(tenant, "viewer") as api:

        async def merged():
            return (await api.get(f"/v1/leads/{alias.id}")).json()["lead_id"] == str(kept.id)

        await eventually(merged)
    alias.replied()
    (moved,) = await bus.read("stage.changed", tenant=tenant)
    assert (moved.lead_id, moved.data["to"]) == (str(kept.id), "engaged")


async def test_an_alias_has_its_own_details_once_its_merge_is_undone(stages, captured, bus, tenant, eventually):
    (kept,) = await captured(company="Analytical Ltd")
    alias, draft = ALead(bus, tenant), {"kind": "first", "channel": "email", "sha256": "a" * 64}
    draft["draft_id"] = str(uuid4())
    alias.publish("draft.created", draft)
    bus.flush()
    merge_id = str(uuid4())
    async with stages.client(tenant, "viewer") as api:

        async def row(lead):
            async with stages.database.worker() as work:
                sql = "SELECT * FROM lead WHERE tenant_id = :t AND lead_id = :l"
                return await work.fetch_one(sql, t=tenant, l=lead.id)

        async def has(lead, **columns):
            found = await row(lead)
            return found and all(found[name] == value for name, value in columns.items())

        await eventually(lambda: has(alias, drafts={draft["draft_id"]: "open"}))
        merge(kept, alias, 1, merge_id=merge_id)
        bus.flush()
        await eventually(lambda: has(alias, merged_into=kept.id))
        alias.captured(full_name="Bob Babbage", company="Engines Ltd", source="fair", campaign="spring")
        alias.updated(["company"], full_name="Bob Babbage", company="Engines & Sons", source="fair", campaign="spring")
        alias.scored(60, band="B")
        decided = {**draft, "decision": "superseded", "actor": "system:outreach"}
        alias.publish("draft.decided", decided)
        bus.flush()
        await eventually(lambda: has(alias, score_total=60, drafts={draft["draft_id"]: "closed"}))
        assert (await api.get(f"/v1/leads/{alias.id}")).json()["score_total"] == 0, "the kept lead has no score"
        merge(kept, alias, 2, undone=True, merge_id=merge_id)
        bus.flush()
        await eventually(lambda: has(alias, merged_into=None, captured=True))
        own = {"name": "Bob Babbage", "company": "Engines & Sons", "source": "fair", "campaign": "spring", "band": "B"}
        assert await has(alias, **own, score_total=60)
        assert await has(kept, company="Analytical Ltd", score_total=0)


async def test_what_was_noted_of_a_person_leaves_the_timeline_of_the_lead_that_it_was_merged_into(
    stages, captured, bus, tenant, eventually
):
    kept, alias = await captured(2, time=ago(hours=8))
    async with stages.client(tenant, "reviewer") as api:
        own = {"stage": "nurture", "note": "Grace asked for spring"}
        assert (await api.put(f"/v1/leads/{kept.id}/stage", json=own)).status_code == 200
        move = {"stage": "lost", "note": "Ada is ill", "disqualification_reason": "Ada is ill"}
        assert (await api.put(f"/v1/leads/{alias.id}/stage", json=move)).status_code == 200
        merge_id = str(uuid4())
        merge(kept, alias, 1, merge_id=merge_id)

        async def timeline() -> str:
            return (await api.get(f"/v1/leads/{kept.id}/timeline")).text

        async def shows(words: str) -> bool:
            return words in await timeline()

        await eventually(lambda: shows("Ada is ill"))
        merge(kept, alias, 2, undone=True, merge_id=merge_id)
        await bus.read(
            "stage.changed", tenant=tenant, where=lambda s: s.lead_id == str(kept.id) and s.data["revision"] == 3
        )
        assert await shows("Ada is ill"), "it is history, and superseded"
        alias.publish("lead.erased", {"lead_id": str(alias.id)})

        async def forgotten() -> bool:
            return not await shows("Ada")

        await eventually(forgotten)
        assert await shows("Grace asked for spring")


async def test_erasure_removes_the_person_and_keeps_the_count(stages, captured, bus, tenant, eventually):
    (lead,) = await captured(full_name="Ada Lovelace", company="Analytical Ltd")
    async with stages.client(tenant, "reviewer") as api:
        move = {"stage": "lost", "note": "Ada told me so", "disqualification_reason": "Ada has no budget"}
        assert (await api.put(f"/v1/leads/{lead.id}/stage", json=move)).status_code == 200
        assert (await api.put(f"/v1/leads/{lead.id}/stage", json={"stage": "contacted"})).status_code == 200
    lead.replied(excerpt="call me on my private number")
    await bus.read("stage.changed", tenant=tenant, count=3)
    lead.publish("lead.erased", {"lead_id": str(lead.id)})
    async with stages.client(tenant, "viewer") as api:

        async def forgotten():
            return (await api.get(f"/v1/leads/{lead.id}")).status_code == 404

        await eventually(forgotten)
        for route in ("timeline", "explanation", "meetings"):
            assert (await api.get(f"/v1/leads/{lead.id}/{route}")).status_code == 404
        for stage in ("engaged", "any"):
            assert (await api.get("/v1/queue", params={"stage": stage})).json()["items"] == []
    async with stages.client(tenant, "reviewer") as api:
        assert (await api.post(f"/v1/leads/{lead.id}/notes", json={"text": "Ada called"})).status_code == 404
    async with stages.database.worker() as work:
        rows = await work.fetch("SELECT data FROM activity WHERE tenant_id = :t", t=tenant)
    assert not any({"email_key", "excerpt", "phone_key", "before"} & set(row["data"]) for row in rows)
    assert not [word for word in ("private number", "Ada") if word in str([dict(row["data"]) for row in rows])]
    lead.replied("later", excerpt="still there?")
    other = ALead(bus, tenant)
    other.captured()
    other.sent()
    await bus.read("stage.changed", tenant=tenant, where=lambda s: s.lead_id == str(other.id))
    assert len([s for s in bus.seen("stage.changed", tenant=tenant) if s.lead_id == str(lead.id)]) == 3
