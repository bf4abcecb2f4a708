"""What every HTTP API of Leadflow shares: admission, problems, bearer tokens, tenancy, cursors, idempotency keys."""

from shared.http.admission import large_body
from shared.http.auth import (
    Admin,
    Operator,
    OperatorOrService,
    Reviewer,
    ReviewerOrService,
    Viewer,
    ViewerOrService,
    public,
)
from shared.http.idempotency import Once
from shared.http.openapi import FieldError
from shared.http.pages import Limit, Page, decode_cursor, encode_cursor
from shared.http.preconditions import IfMatch, check_if_match, etag
from shared.http.problems import problem_type
from shared.http.query_parameters import unknown_name
from shared.http.router import Router, checks_depth
from shared.http.tenancy import TenantWork
from shared.http.token_claims import Principal

__all__ = [
    "Admin",
    "FieldError",
    "IfMatch",
    "Limit",
    "Once",
    "Operator",
    "OperatorOrService",
    "Page",
    "Principal",
    "Reviewer",
    "ReviewerOrService",
    "Router",
    "TenantWork",
    "Viewer",
    "ViewerOrService",
    "check_if_match",
    "checks_depth",
    "decode_cursor",
    "encode_cursor",
    "etag",
    "large_body",
    "problem_type",
    "public",
    "unknown_name",
]
