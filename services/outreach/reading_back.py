"""Reading back what outreach has published itself: from Kafka, once its consumers have caught up."""

from datetime import datetime
from functools import partial

from services.outreach.keys import Keys
from services.outreach.use_cases import reading_back
from services.outreach.use_cases.reading_back import ReadBack
from shared.db import Database
from shared.errors import Conflict
from shared.events.readers import READS
from shared.messaging.connection import Kafka
from shared.messaging.lag import has_read
from shared.messaging.reading_back import published_since


async def read_back(database: Database, keys: Keys, kafka: Kafka, group: str, since: datetime) -> dict[str, ReadBack]:
    """Catch up with what outreach has done since then, by tenant. No worker may run meanwhile.

    Raises Conflict while the consumers have records to read: leads that were captured since would not be known.
    """
    async with database.worker() as work:
        now = work.now
    if not await has_read(kafka, group, [event.type for event in READS["outreach"]], now):
        raise Conflict("the consumers of outreach have not caught up yet: nothing was read back")
    return await reading_back.read_back(database, keys, partial(published_since, kafka, since))
