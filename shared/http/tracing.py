"""A span for each API request; the events that it publishes continue the trace of the caller (W3C Trace Context)."""

from opentelemetry import propagate, trace
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.observability import in_callers_trace, tracer


class Tracing:
    """Wraps the requests under a path prefix in a span."""

    def __init__(self, app: ASGIApp, *, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(self._prefix):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        context = propagate.extract(headers)
        in_callers_trace.set(trace.get_current_span(context).get_span_context().is_valid)
        with tracer.start_as_current_span(f"{scope['method']} {scope['path']}", context=context):
            await self._app(scope, receive, send)
