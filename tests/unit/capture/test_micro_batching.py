"""Submissions that arrive together share a transaction, and its failure."""

import asyncio

import pytest

from services.capture.rules.contact import Contact
from services.capture.use_cases.micro_batching import MicroBatcher


class Away:
    """A database that does not answer."""

    def __init__(self):
        self.asked = 0

    def tenant(self, tenant):
        return self

    async def __aenter__(self):
        self.asked += 1
        await asyncio.sleep(0.01)
        raise TimeoutError

    async def __aexit__(self, *error):
        pass


async def test_while_the_database_is_away_a_batch_fails_at_once():
    database = Away()
    batcher = MicroBatcher(database)
    contact = Contact("web", None, {"email": "a@x.example"})
    first = asyncio.create_task(batcher.record("acme", contact))
    await asyncio.sleep(0)
    rest = [asyncio.create_task(batcher.record("acme", contact)) for _ in range(20)]
    for waiting in (first, *rest):
        with pytest.raises(TimeoutError):
            await waiting
    assert database.asked == 2, "one batch of one, and one of the twenty that arrived meanwhile"
