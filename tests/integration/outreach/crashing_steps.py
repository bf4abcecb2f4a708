"""Workers of sequences in processes of their own that are killed (SIGKILL) before a statement that chance chooses.

Each line of the standard input names the statements after which the workers of one round die (0: never). The answer is
how many of them were killed.
"""

import asyncio
import os
import signal
import sys

from services.outreach.context import Context
from services.outreach.drafts.use_cases.addressing import SenderAddresses
from services.outreach.keys import Keys
from services.outreach.sequences.workers import Steps
from services.outreach.settings import Settings
from shared.db import Database
from shared.db.transaction import Transaction


def die_after(statements: int) -> None:
    """Let this process die before the statement that follows so many."""
    left = statements

    def dying(original):
        async def statement(self, *args, **more):
            nonlocal left
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            return await original(self, *args, **more)

        return statement

    for name in ("run", "fetch", "fetch_one", "fetch_tuples"):
        setattr(Transaction, name, dying(getattr(Transaction, name)))


class _Service:
    """A process without other workers: nobody is woken."""

    def wake(self, *names: str) -> None:
        pass


async def take_steps(url: str, key: str) -> None:
    database = Database(url, "outreach")
    settings = Settings.model_construct(mail_domain="leadflow.example", sms_from="+12025550100")
    context = Context(_Service(), settings, Keys(key.encode()))  # type: ignore[arg-type]
    worker = Steps(context, SenderAddresses(settings.mail_domain, settings.sms_from))
    while await worker.step(database):
        pass
    await database.close()


def start(url: str, key: str, statements: int) -> int:
    """A worker in a child process that shares nothing with this one but the imported modules; its process id."""
    pid = os.fork()
    if pid == 0:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # the log is no answer
        if statements:
            die_after(statements)
        asyncio.run(take_steps(url, key))
        os._exit(0)
    return pid


def main(url: str, key: str) -> None:
    print("ready", flush=True)
    for line in sys.stdin:
        children = [start(url, key, int(statements)) for statements in line.split()]
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
        assert all(code in (0, -signal.SIGKILL) for code in codes), codes
        print(sum(code != 0 for code in codes), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
