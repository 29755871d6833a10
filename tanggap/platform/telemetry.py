"""Traces: one trace from the HTTP request through the outbox and the log to the last handler.

The trace travels as a W3C `traceparent`: request header, context variable, outbox column, record header, context variable of
the handler. It does so always (a few microseconds), so that log lines carry a trace id. Spans are made and sent only where
`OTEL_EXPORTER_OTLP_ENDPOINT` is set; OpenTelemetry's own variables (sampler, resource attributes) hold.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING

import structlog
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags, Tracer

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

FLUSH_SECONDS = 1.0
"""How long the end of the process waits for the collector to take the last spans. The drain before it has its own time."""

_FORM = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})\Z")

_current: ContextVar[str | None] = ContextVar("traceparent", default=None)
_tracer: Tracer | None = None
_provider: TracerProvider | None = None


def enabled() -> bool:
    """Are spans made?"""
    return _tracer is not None


def current() -> str | None:
    """The `traceparent` of what runs now, to be put beside the events it makes; `None` outside of a trace."""
    return _current.get()


def valid(traceparent: str | None) -> str | None:
    """`traceparent` if it is well-formed (W3C Trace Context, version 00), else `None`."""
    return traceparent if traceparent is not None and _FORM.match(traceparent) else None


def begin() -> str:
    """A new `traceparent`, not sampled."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"


def trace_id(traceparent: str) -> str:
    """The trace's id, 32 hex digits."""
    return traceparent[3:35]


def use(tracer: Tracer | None) -> None:
    """Make spans with `tracer`; `None`: make none. Called by `configure`, and by tests with an exporter in memory."""
    global _tracer  # noqa: PLW0603 - the process has one
    _tracer = tracer


def configure(service: str, endpoint: str | None) -> None:
    """Send spans to an OTLP collector over HTTP; without an endpoint nothing is made or sent."""
    global _provider  # noqa: PLW0603 - the process has one
    if endpoint is None:
        use(None)
        return
    # Only where it is on: these cost 100 ms and 10 MB at the start.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    # Ours alone, not the process's (`trace.set_tracer_provider`): FastAPI would make spans of its own beside ours then, of probes
    # too, and with whole paths; those of the officials' page are signed links, and whoever has one can answer for an official.
    _provider = TracerProvider(resource=Resource.create({"service.name": f"tanggap-{service}"}), shutdown_on_exit=False)
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")))
    use(_provider.get_tracer("tanggap"))


def shutdown() -> None:
    """Send what is still held. A collector that does not take it within `FLUSH_SECONDS` is not waited for."""
    if _provider is None:
        return
    # The SDK's own shutdown waits 30 s and can't be told otherwise; its thread ends with the process.
    last = threading.Thread(target=_provider.shutdown, name="last-spans", daemon=True)
    last.start()
    last.join(FLUSH_SECONDS)


@contextmanager
def continued(
    traceparent: str | None, name: str, kind: SpanKind, attributes: dict[str, str] | None = None
) -> Iterator[Span | None]:
    """Go on with a trace (or begin one) for the block: sets `current()` and the log's `trace_id`, makes a span where enabled."""
    parent = valid(traceparent)
    if _tracer is None:
        here = parent or begin()
        token = _current.set(here)
        try:
            with structlog.contextvars.bound_contextvars(trace_id=trace_id(here)):
                yield None
        finally:
            _current.reset(token)
        return
    span = start(parent, name, kind, attributes)
    here = of_span(span)
    token = _current.set(here)
    try:
        with (
            structlog.contextvars.bound_contextvars(trace_id=trace_id(here)),
            trace.use_span(span, end_on_exit=True, record_exception=True, set_status_on_exception=True),
        ):
            yield span
    finally:
        _current.reset(token)


@contextmanager
def within(traceparent: str | None, span: Span | None = None, **about: str | None) -> Iterator[None]:
    """Be within a trace for the block, and within its span where there is one (which goes on after it); log lines get `about`."""
    token = _current.set(traceparent)
    bound = {name: value for name, value in about.items() if value is not None}
    if traceparent is not None:
        bound["trace_id"] = trace_id(traceparent)
    try:
        with (
            structlog.contextvars.bound_contextvars(**bound),
            trace.use_span(span, end_on_exit=False) if span is not None else nullcontext(),
        ):
            yield
    finally:
        _current.reset(token)


def start(parent: str | None, name: str, kind: SpanKind, attributes: dict[str, str] | None = None) -> Span:
    """A span below `parent`, which the caller ends. Only where `enabled()`."""
    if _tracer is None:
        raise RuntimeError("no spans are made: see enabled()")
    context = trace.set_span_in_context(NonRecordingSpan(_context(parent))) if parent else None
    return _tracer.start_span(name, context=context, kind=kind, attributes=attributes)


def of_span(span: Span) -> str:
    """A span's `traceparent`."""
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def _context(traceparent: str) -> SpanContext:
    return SpanContext(
        int(traceparent[3:35], 16),
        int(traceparent[36:52], 16),
        is_remote=True,
        trace_flags=TraceFlags(int(traceparent[53:55], 16)),
    )


__all__ = [
    "Span",
    "SpanKind",
    "Status",
    "StatusCode",
    "begin",
    "configure",
    "continued",
    "current",
    "enabled",
    "of_span",
    "shutdown",
    "start",
    "trace_id",
    "use",
    "valid",
    "within",
]
