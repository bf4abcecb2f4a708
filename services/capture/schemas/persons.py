"""HTTP bodies of what is known about a person: the history of consent, and the export."""

from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from shared.events.external import ConsentChoice


class ConsentTextOut(BaseModel):
    """The text that the person agreed to, and its version among those of its form."""

    form: str
    version: int
    text: str


class ConsentChangeOut(BaseModel):
    """One change of consent. `at`: when the person chose; `recorded_on`: when it was stored here.

    `lead_id` is the id that it was recorded under, which may be an alias by now.
    """

    lead_id: UUID
    channel: Literal["email", "sms"]
    choice: ConsentChoice
    before: ConsentChoice
    at: AwareDatetime
    source: str | None
    basis: str | None
    cause: Literal["submission", "edit", "merge", "undo"]
    recorded_on: AwareDatetime
    text: ConsentTextOut | None


class ElsewhereOut(BaseModel):
    """Where another service answers with what it holds about the same person, under the same lead id."""

    service: str
    holds: str
    route: str


class ExportOut(BaseModel):
    """Everything that capture holds about a person (GDPR, articles 15 and 20)."""

    lead_id: UUID
    exported_on: AwareDatetime
    leads: list[dict[str, Any]]
    external_ids: list[dict[str, Any]]
    consent_history: list[ConsentChangeOut]
    merges: list[dict[str, Any]]
    duplicates: list[dict[str, Any]]
    import_rows: list[dict[str, Any]]
    webhook_deliveries: list[dict[str, Any]]
    dead_letters: list[dict[str, Any]]
    elsewhere: list[ElsewhereOut]
