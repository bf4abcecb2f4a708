"""Engines: asyncpg connections that take and return JSON as Python values, in one of the service's two roles."""

from typing import Any

import orjson
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared.db.address import DatabaseAddress


def _to_json(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _unchanged(value: object) -> object:
    return value


def make_engine(
    url: str | DatabaseAddress, *, role: str | None = None, pool_size: int = 5, application: str = "leadflow"
) -> AsyncEngine:
    """An asyncpg engine. A jsonb parameter is a dict or JSON text, and a jsonb column is read as a Python value.

    `role` is set on each connection; `application` is the name that PostgreSQL shows for it.
    """
    settings = {"application_name": application, "idle_in_transaction_session_timeout": "60000"}
    if role:
        settings["role"] = role
    address = DatabaseAddress.of(url)

    async def connect() -> Any:
        return await address.connect(server_settings=settings, timeout=10, command_timeout=60)

    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        hide_parameters=True,
        json_serializer=_to_json,
        json_deserializer=_unchanged,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _codecs(connection: Any, _: object) -> None:
        for name in ("json", "jsonb"):
            connection.run_async(
                lambda raw, name=name: raw.set_type_codec(
                    name, encoder=_to_json, decoder=orjson.loads, schema="pg_catalog", format="text"
                )
            )

    return engine
