"""The unit of work of a request: the principal's tenant, committed before the answer is sent."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request

from shared.db import UnitOfWork
from shared.http.auth import principal_of
from shared.http.token_claims import Principal


async def _tenant_work(
    request: Request, principal: Annotated[Principal, Depends(principal_of)]
) -> AsyncIterator[UnitOfWork]:
    async with request.app.state.service.database.tenant(principal.tenant) as work:
        yield work


TenantWork = Annotated[UnitOfWork, Depends(_tenant_work, scope="function")]
"""Scope "function": an ordinary dependency would commit after the answer has been sent."""
