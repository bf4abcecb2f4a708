"""Where the leads are, live: read from the topics, as any other system could."""

import asyncio
import json
from collections import Counter
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

_STAGES = (
    *("new", "contacted", "engaged", "qualified", "scheduled", "meeting_completed", "nurture", "exhausted"),
    *("won", "lost", "bad_phone", "bad_contact", "moved_company", "dead"),
)
_MILESTONES = {"lead.captured": "captured", "lead.enriched": "enriched", "lead.scored": "scored"}
_COUNTED = {"draft.created": "drafted", "message.sent": "sent", "reply.received": "replies"}
_TOO_MANY = 100_000
"""Records on the topics above which only what is new is shown."""
_LINE_EVERY = 1.0


class Board:
    """A tenant's leads by milestone and stage, and its goals."""

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self._reached: dict[str, set[str]] = {name: set() for name in _MILESTONES.values()}
        self._happened: dict[str, set[str]] = {name: set() for name in _COUNTED.values()}
        self._stage: dict[str, tuple[int, str]] = {}
        self._names: dict[str, str] = {}
        self._goals: dict[str, tuple[int, int]] = {}

    def take(self, type_: str, event_id: str, lead_id: str, data: dict[str, Any]) -> str | None:
        """Count one event; returns a line for people when a lead moved."""
        if milestone := _MILESTONES.get(type_):
            self._reached[milestone].add(lead_id)
        if counted := _COUNTED.get(type_):
            self._happened[counted].add(str(data.get("reply_id") or event_id))
        if type_ == "lead.captured":
            self._stage.setdefault(lead_id, (0, "new"))
            self._names[lead_id] = str(data.get("full_name") or data.get("email") or data.get("phone") or lead_id)
        elif type_ in ("goal.progressed", "goal.achieved"):
            self._goals[str(data.get("goal_id"))] = (data.get("current_value", 0), data.get("target", 0))
        elif type_ == "stage.changed":
            revision = int(data.get("revision", 0))
            if revision > self._stage.get(lead_id, (0, "new"))[0]:
                self._stage[lead_id] = (revision, str(data["to"]))
                if data["from"] != data["to"]:
                    who = self._names.get(lead_id, lead_id)
                    return f"{who}: {data['from']} -> {data['to']} ({data.get('rule')}, {data.get('actor')})"
        return None

    def stages(self) -> dict[str, int]:
        """How many leads are in each stage, empty ones left out, in the order of the journey."""
        counts = Counter(stage for _, stage in self._stage.values())
        return {stage: counts[stage] for stage in _STAGES if counts[stage]}

    def line(self) -> str:
        """All of it in one line."""
        parts = [f"{name} {len(leads)}" for name, leads in self._reached.items()]
        stages = ", ".join(f"{stage} {count}" for stage, count in self.stages().items())
        parts += [f"{name} {len(ids)}" for name, ids in self._happened.items() if ids]
        parts += [f"goal {current} of {target}" for current, target in self._goals.values()]
        return " | ".join([", ".join(parts), f"stages: {stages or '-'}"])

    def picture(self) -> RenderableType:
        """A table for a terminal."""
        table = Table.grid(padding=(0, 2))
        most = max(self.stages().values(), default=1)
        for stage, count in self.stages().items():
            table.add_row(Text(stage, style="bold"), str(count), "█" * max(1, round(30 * count / most)))
        head = self.line().partition(" | ")[0]
        return Group(Text(f"tenant {self.tenant}: {head}", style="cyan"), table)


async def watch(bootstrap: str, tenant: str, console: Console) -> None:
    """Show the board until cancelled: redrawn in place on a terminal, elsewhere a line whenever it changes."""
    from shared.events.catalogue import CATALOGUE

    topics = [name for name in CATALOGUE if name != "lead.submitted"]
    board = Board(tenant)
    consumer = AIOKafkaConsumer(*topics, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        if sum(ends.values()) > _TOO_MANY:
            await consumer.seek_to_end()
        shown = ""
        if console.is_terminal:
            with Live(board.picture(), console=console, auto_refresh=False) as live:
                while True:
                    for moved in await _take_some(consumer, board):
                        console.print(moved)
                    if (line := board.line()) != shown:
                        shown = line
                        live.update(board.picture(), refresh=True)
        else:
            while True:
                for moved in await _take_some(consumer, board):
                    console.print(moved, soft_wrap=True)
                if (line := board.line()) != shown:
                    shown = line
                    console.print(line, soft_wrap=True)
                    await asyncio.sleep(_LINE_EVERY)
    finally:
        await consumer.stop()


async def _take_some(consumer: Any, board: Board) -> list[str]:
    try:
        batches = await consumer.getmany(timeout_ms=300)
    except KafkaError:
        await asyncio.sleep(1)  # the broker is being restarted: the client finds it again by itself
        return []
    records = sorted((record for batch in batches.values() for record in batch), key=lambda record: record.timestamp)
    return [moved for record in records if (moved := _read(record, board))]


def _read(record: Any, board: Board) -> str | None:
    headers = {name: value.decode(errors="replace") for name, value in record.headers if value is not None}
    if headers.get("ce_tenantid") != board.tenant:
        return None
    try:
        data = json.loads(record.value or b"")
    except ValueError:
        return None
    if not isinstance(data, dict):
        return None
    return board.take(record.topic, headers.get("ce_id", ""), headers.get("ce_subject", ""), data)
