"""A live board of the leads by stage, read from the topics as any other system could."""

import asyncio
import json
from collections import Counter
from typing import Any

from aiokafka.errors import KafkaError
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from services.stages.rules import Stage

_MILESTONES = {"lead.captured": "captured", "lead.enriched": "enriched", "lead.scored": "scored"}
_COUNTED = {"draft.created": "drafted", "message.sent": "sent", "reply.received": "replies"}
_MAX_HISTORY = 100_000
"""If the topics have more records than this, the board shows only new ones."""
_LINE_SECONDS = 1.0


class Board:
    """Counts of a tenant's leads by milestone and stage, and the progress of its goals."""

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self._reached: dict[str, set[str]] = {name: set() for name in _MILESTONES.values()}
        self._counted: dict[str, set[str]] = {name: set() for name in _COUNTED.values()}
        self._stage: dict[str, tuple[int, str]] = {}
        self._names: dict[str, str] = {}
        self._goals: dict[str, tuple[int, int]] = {}

    def count(self, type_: str, event_id: str, lead_id: str, data: dict[str, Any]) -> str | None:
        """Count one event; returns a line to print if a lead has changed its stage."""
        if milestone := _MILESTONES.get(type_):
            self._reached[milestone].add(lead_id)
        if counted := _COUNTED.get(type_):
            self._counted[counted].add(str(data.get("reply_id") or event_id))
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
                    name = self._names.get(lead_id, lead_id)
                    return f"{name}: {data['from']} -> {data['to']} ({data.get('rule')}, {data.get('actor')})"
        return None

    def stages(self) -> dict[str, int]:
        """The number of leads in each stage that has any, in the order of the journey."""
        counts = Counter(stage for _, stage in self._stage.values())
        return {stage.value: counts[stage.value] for stage in Stage if counts[stage.value]}

    def line(self) -> str:
        """The board in one line."""
        parts = [f"{name} {len(leads)}" for name, leads in self._reached.items()]
        stages = ", ".join(f"{stage} {count}" for stage, count in self.stages().items())
        parts += [f"{name} {len(ids)}" for name, ids in self._counted.items() if ids]
        parts += [f"goal {current} of {target}" for current, target in self._goals.values()]
        return " | ".join([", ".join(parts), f"stages: {stages or '-'}"])

    def picture(self) -> RenderableType:
        """The board as a table for a terminal."""
        table = Table.grid(padding=(0, 2))
        most = max(self.stages().values(), default=1)
        for stage, count in self.stages().items():
            table.add_row(Text(stage, style="bold"), str(count), "█" * max(1, round(30 * count / most)))
        head = self.line().partition(" | ")[0]
        return Group(Text(f"tenant {self.tenant}: {head}", style="cyan"), table)


async def watch(bootstrap: str, tenant: str, console: Console) -> None:
    """Show the board until cancelled: redrawn in place on a terminal, elsewhere a line after each change."""
    from shared.events.catalogue import CATALOGUE
    from shared.messaging.connection import Kafka

    topics = [name for name in CATALOGUE if name != "lead.submitted"]
    board = Board(tenant)
    consumer = Kafka(bootstrap).consumer(*topics, auto_offset_reset="earliest")
    try:
        await consumer.start()
        ends = await consumer.end_offsets(consumer.assignment())
        if sum(ends.values()) > _MAX_HISTORY:
            await consumer.seek_to_end()
        shown = ""
        if console.is_terminal:
            with Live(board.picture(), console=console, auto_refresh=False) as live:
                while True:
                    for move in await _read_moves(consumer, board):
                        console.print(move)
                    if (line := board.line()) != shown:
                        shown = line
                        live.update(board.picture(), refresh=True)
        else:
            while True:
                for move in await _read_moves(consumer, board):
                    console.print(move, soft_wrap=True)
                if (line := board.line()) != shown:
                    shown = line
                    console.print(line, soft_wrap=True)
                    await asyncio.sleep(_LINE_SECONDS)
    finally:
        await consumer.stop()


async def _read_moves(consumer: Any, board: Board) -> list[str]:
    try:
        batches = await consumer.getmany(timeout_ms=300)
    except KafkaError:
        await asyncio.sleep(1)  # the broker is being restarted; the client reconnects
        return []
    records = sorted((record for batch in batches.values() for record in batch), key=lambda record: record.timestamp)
    return [move for record in records if (move := _count(record, board))]


def _count(record: Any, board: Board) -> str | None:
    headers = {name: value.decode(errors="replace") for name, value in record.headers if value is not None}
    if headers.get("ce_tenantid") != board.tenant:
        return None
    try:
        data = json.loads(record.value or b"")
    except ValueError:
        return None
    if not isinstance(data, dict):
        return None
    return board.count(record.topic, headers.get("ce_id", ""), headers.get("ce_subject", ""), data)
