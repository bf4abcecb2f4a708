"""A tenant's own reply model: trained with the labels of its people, used for its replies alone, and taken back."""

from uuid import uuid4

import pytest

from services.outreach.replies.use_cases import model_training
from shared.errors import Conflict
from tests.integration.outreach.test_opt_outs import label, reply
from tests.integration.outreach.test_replies import replies

JARGON = "The {} are grazing beyond the hill."
ANIMALS = "goats sheep cows ducks geese hens mules llamas bees pigs".split()


async def labelled(office, tenant, mail) -> None:
    """Twenty replies in the tenant's own words, and what its people say of them."""
    for animal in ANIMALS:
        await label(office, tenant, await reply(office, tenant, mail, JARGON.format(animal)), "interested")
        text = f"The {animal} have all come down to the barn."
        await label(office, tenant, await reply(office, tenant, mail, text), "later")


async def test_what_people_labelled_teaches_the_model_of_their_tenant_alone(office, tenant, reached, bus):
    _, mail, _ = reached
    await labelled(office, tenant, mail)
    trained = await model_training.train_for(office.database, tenant)
    assert trained.comparison.replies == 20
    assert trained.comparison.tenant.right > trained.comparison.shipped.right
    assert len(trained.model) < 3_000_000
    text = JARGON.format("alpacas")
    before = await reply(office, tenant, mail, text)
    await model_training.use_model(office.database, tenant, trained)
    after = await reply(office, tenant, mail, text)
    found = {each["reply_id"]: each["label"] for each in await replies(office, tenant, limit=50)}
    assert found[before] != "interested"
    assert found[after] == "interested"
    other = f"t-{uuid4().hex[:8]}"
    await reply(office, other, mail, text, threaded=False)
    assert [each["label"] for each in await replies(office, other)] == [found[before]]
    assert await model_training.use_shipped_model(office.database, tenant)
    assert not await model_training.use_shipped_model(office.database, tenant)
    back = await reply(office, tenant, mail, text)
    assert {each["reply_id"]: each["label"] for each in await replies(office, tenant, limit=50)}[back] == found[before]


async def test_few_labels_train_nothing(office, tenant, reached):
    _, mail, _ = reached
    await label(office, tenant, await reply(office, tenant, mail, "Goats."), "later")
    with pytest.raises(Conflict, match="people have labelled 1 replies"):
        await model_training.train_for(office.database, tenant)
