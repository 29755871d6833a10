"""A trace collector for tests: OTLP over HTTP on 127.0.0.1, in a thread of its own, which can be told to fall silent or to go away."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

PROTOBUF = "application/x-protobuf"


@dataclass(frozen=True)
class Seen:
    """A span as it came in; ids in hex digits, no parent is an empty text."""

    service: str
    name: str
    trace_id: str
    id: str
    parent: str


@dataclass
class Collector:
    """What came in, and how it behaves: `silent` takes requests and never answers, between `stop` and `start` nobody listens."""

    spans: list[Seen] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    waiting: set[str] = field(default_factory=set)
    """Services that had no answer, since the collector fell silent."""
    silent: bool = False
    port: int = 0
    _released: threading.Event = field(default_factory=threading.Event)
    _server: ThreadingHTTPServer | None = None
    _thread: threading.Thread | None = None

    @property
    def endpoint(self) -> str:
        """For `OTEL_EXPORTER_OTLP_ENDPOINT`; the same after a stop and a start."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._released.clear()
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def stop(self) -> None:
        """Go away, and let go of whoever waits for an answer."""
        if self._server is None or self._thread is None:
            return
        self._released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server = None

    def of(self, trace_id: str) -> list[Seen]:
        """The spans of one trace so far."""
        return [span for span in self.spans if span.trace_id == trace_id]

    def path(self, span: Seen) -> list[tuple[str, str]]:
        """Service and name of a span and of all above it, the topmost first."""
        known = {each.id: each for each in self.of(span.trace_id)}
        found = [span]
        while (above := known.get(found[0].parent)) is not None:
            found.insert(0, above)
        return [(each.service, each.name) for each in found]

    def _take(self, body: bytes) -> None:
        self.bodies.append(body)
        self.spans += list(_read(body))

    def _handler(collector) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - `self` is each request's own
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if collector.silent:
                    collector.waiting |= {span.service for span in _read(body)}
                    collector._released.wait()
                    return
                fits = self.path == "/v1/traces" and self.headers["Content-Type"] == PROTOBUF
                if fits:
                    collector._take(body)
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200 if fits else 400)
                self.send_header("Content-Type", PROTOBUF)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


def _read(body: bytes) -> Iterator[Seen]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        about = {attribute.key: attribute.value.string_value for attribute in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
                yield Seen(about["service.name"], span.name, *ids)


@contextmanager
def open_collector() -> Iterator[Collector]:
    """A collector that takes everything, until told otherwise."""
    collector = Collector()
    collector.start()
    try:
        yield collector
    finally:
        collector.stop()
