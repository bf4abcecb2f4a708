"""A sender in its own process that is killed (SIGKILL), or stopped (SIGSTOP), at a point that its parent chose."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from services.outreach.context import Context
from services.outreach.keys import Keys
from services.outreach.sending import workers
from services.outreach.sending.gateways import FileSms, SmsProvider, Smtp, TwilioSms
from services.outreach.sending.use_cases import attempts, outcomes
from services.outreach.settings import Settings
from shared.db import Database

STOPPED, LIMIT = "committed, stopped", 1.0
"""The point at which it is stopped; then the limit of an attempt is so many seconds, and its lease twice as long."""


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def main(url: str, port: str, key: str, point: str, sms_url: str = "") -> None:
    database = Database(url, "outreach")
    settings = Settings.model_construct(mail_domain="leadflow.example")
    context = Context(None, settings, Keys(key.encode()))  # type: ignore[arg-type]
    lease, record, hand_over = attempts.lease_dispatch, outcomes.record_outcome, workers.Sender.hand_over
    committed_lease = workers.Sender._lease

    async def dying_lease(*args):
        attempt = await lease(*args)
        if point == "leased, not committed":
            die()
        return attempt

    async def stopping_lease(self, database, due):
        attempt = await committed_lease(self, database, due)
        if point == STOPPED:
            os.kill(os.getpid(), signal.SIGSTOP)
        return attempt

    async def dying_hand_over(self, attempt):
        if point == "committed, nothing sent":
            die()
        outcome = await hand_over(self, attempt)
        if point == "answered, not recorded":
            die()
        return outcome

    async def dying_record(*args):
        await record(*args)
        if point == "recorded, not committed":
            die()

    attempts.lease_dispatch, outcomes.record_outcome = dying_lease, dying_record
    workers.Sender.hand_over, workers.Sender._lease = dying_hand_over, stopping_lease
    sms: SmsProvider = TwilioSms(sms_url, "AC1", "token", timeout=20) if sms_url else FileSms(Path(os.devnull))
    sender = workers.Sender(
        context, Smtp("127.0.0.1", int(port)), sms, "http://o.example", LIMIT if point == STOPPED else 30
    )
    print("ready", flush=True)
    while await sender.step(database):
        pass
    if point == "recorded":
        die()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
