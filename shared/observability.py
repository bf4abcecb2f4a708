"""What operators see: JSON logs, Prometheus metrics, OpenTelemetry traces."""

import logging
import sys
from contextvars import ContextVar
from hashlib import sha256

import structlog
from opentelemetry import trace
from opentelemetry.propagate import inject
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import Counter, Gauge, Histogram
from structlog.typing import Processor

RECORDS = Counter("leadflow_records", "Records read, by outcome", ["service", "outcome"])
BATCH_SECONDS = Histogram(
    "leadflow_batch_seconds",
    "Time from a batch's arrival to its commit, in seconds",
    ["service"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
BATCH_RECORDS = Histogram(
    "leadflow_batch_records", "Records in a batch", ["service"], buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000)
)
RELAYED = Counter("leadflow_outbox_sent", "Events that the relay sent", ["service"])
REFUSED = Counter("leadflow_outbox_refused", "Events that the broker will never accept, set aside", ["service"])
OUTBOX_DEPTH = Gauge("leadflow_outbox_depth", "Events waiting in the outbox", ["service"])
OUTBOX_AGE = Gauge("leadflow_outbox_age_seconds", "Age of the oldest event in the outbox, in seconds", ["service"])
DEAD_LETTERS = Gauge("leadflow_dead_letters", "Dead letters that were not replayed", ["service"])
READY = Gauge("leadflow_ready", "1 while a process is ready, 0 while it is not", ["service", "part"])
LAG = Gauge("leadflow_consumer_lag", "Records not read yet, over all partitions", ["service"])
WORKER_FAILURES = Counter("leadflow_worker_failures", "Rounds of a worker that failed", ["service", "worker"])
IMAP_FAILING = Gauge(
    "leadflow_imap_failing", "1 while a mail account cannot be read, 0 while it can", ["service", "account"]
)
IMAP_SKIPPED = Counter("leadflow_imap_skipped", "Mails that a server never delivered, given up", ["service", "account"])
DRAFTS_PENDING = Gauge("leadflow_drafts_pending", "Drafts that wait for a decision, without snoozed ones")
DRAFTS_AGE = Gauge("leadflow_drafts_pending_age_seconds", "How long the oldest of them has waited, in seconds")
DECISIONS = Counter("leadflow_draft_decisions", "Drafts that people approved or rejected", ["decision"])
SENDS = Counter("leadflow_sends", "Attempts to send a message, by outcome", ["channel", "outcome"])
SENDS_UNKNOWN = Gauge("leadflow_sends_unknown", "Sends with an unknown outcome, which wait for evidence or an operator")
REPLIES_WAITING = Gauge("leadflow_replies_waiting", "Replies that wait for a human's label")
TIMERS_LATE = Gauge("leadflow_timers_late_seconds", "How late the oldest due timer of a lead is, in seconds")

tracer = trace.get_tracer("leadflow")
in_callers_trace: ContextVar[bool] = ContextVar("in_callers_trace", default=False)
"""Whether the request that is handled now came with a trace of its caller."""
_exporting = False


def trace_of(tenant: str, lead: str | None, event_id: str) -> str:
    """The `traceparent` (W3C Trace Context) of an event that no other event caused.

    It is that of the request's caller, or else the lead's own, which follows from the lead's id: so the whole way of a
    lead is one trace, though people and timers act between its events.
    """
    if in_callers_trace.get():
        carrier: dict[str, str] = {}
        inject(carrier)
        return carrier["traceparent"]
    own = sha256(f"{tenant}/{lead or event_id}".encode()).hexdigest()
    return f"00-{own[:32]}-{sha256(event_id.encode()).hexdigest()[:16]}-01"


def tracing() -> bool:
    """Whether spans are exported; without, trace context travels and nothing is recorded for each event."""
    return _exporting


def configure_logging(level: str = "INFO") -> None:
    """One JSON object a line on standard output, libraries' records too. Idempotent."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("aiokafka", "faststream", "httpx", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def configure_tracing(service: str, endpoint: str | None) -> None:
    """Export spans by OTLP over HTTP to `endpoint`; without one, trace context still travels in the headers."""
    global _exporting
    provider = TracerProvider(resource=Resource.create({"service.name": f"leadflow-{service}"}))
    if endpoint:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # half a second to import

        _exporting = True
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        trace.set_tracer_provider(provider)
