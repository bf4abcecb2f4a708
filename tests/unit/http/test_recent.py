"""An answer that costs queries is found once for all who ask within a second."""

import asyncio

from shared.health import Recent


async def test_who_asks_while_an_answer_is_found_gets_the_same_however_long_it_took(monkeypatch):
    monkeypatch.setattr("shared.health._RECENT", 0.05)
    asked = 0

    async def ask() -> int:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.2)
        return asked

    answers = Recent(ask)
    assert await asyncio.gather(*(answers.get() for _ in range(50))) == [1] * 50
    await asyncio.sleep(0.1)
    assert await answers.get() == 2
