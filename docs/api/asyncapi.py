"""AsyncAPI 3.0 of one service: what it reads from the log, what it writes to it, and where it puts what it can't handle.

FastStream could make such a document, but it would describe its subscriber as it sees it: raw batches without a payload, since
bodies are decoded by type behind it. So the document is made here, from the same objects that run: the consumer's decoders, the
events that the service makes, the published schemas, the headers that the relay writes, the topics as they are created.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from docs.api.services import Service
from tanggap.contracts.events import Event
from tanggap.contracts.export import schema
from tanggap.platform import cloudevents, dead_letters
from tanggap.platform.topics import LOCAL_TOPICS

_BINDING: Final = "0.5.0"
"""Version of AsyncAPI's Kafka bindings."""

_TOPIC_SETTINGS: Final = ("retention.ms", "max.message.bytes")
"""Those of a topic's settings that the bindings have a place for."""

_LOG: Final = "log"
_DEAD_LETTERS: Final = "deadLetters"
_DEAD_LETTER: Final = "DeadLetter"
_LOG_SAYS: Final = (
    "Every event of every complaint's life, in CloudEvents 1.0's binary content mode. The key is the complaint, so the events of one "
    "complaint are read in the order in which they were written. Delivery is at least once; `ce_id` is the same each time. "
    "Readers pick by `ce_type` before they parse, and pass over types and fields that they don't know."
)
_DEAD_LETTERS_SAY: Final = (
    "Records that this service could not handle, whole, each with where it stood and why. "
    "`tanggap dlq list` shows them, `tanggap dlq redrive` sends one round again."
)


def document(service: Service) -> dict[str, Any]:
    """The whole document."""
    models = tuple(dict.fromkeys((*service.reads, *service.writes)))
    return {
        "asyncapi": "3.0.0",
        "id": f"urn:tanggap:{service.name}",
        "info": {"title": service.process.app.title, "version": "1", "description": service.process.app.summary},
        "defaultContentType": cloudevents.CONTENT_TYPE.decode(),
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "description": "The city's Kafka: `KAFKA_BOOTSTRAP_SERVERS`.",
                "variables": {"bootstrap": {"default": "localhost:9092", "examples": ["kafka:9092"]}},
            }
        },
        "channels": _channels(service, models),
        "operations": _operations(service),
        "components": _components(service, models),
    }


def _channels(service: Service, models: Iterable[type[Event]]) -> dict[str, Any]:
    channels = {_LOG: _channel(_topic(service), _LOG_SAYS, [model.__name__ for model in models])}
    if service.process.consumer is not None:
        channels[_DEAD_LETTERS] = _channel(service.process.consumer.dead_letters, _DEAD_LETTERS_SAY, [_DEAD_LETTER])
    return channels


def _topic(service: Service) -> str:
    """The one topic that a service reads and writes."""
    topics = {part.topic for part in (service.process.consumer, service.process.relay) if part is not None}
    if len(topics) != 1:
        raise ValueError(f"{service.name} reads and writes {sorted(topics)}: this document knows one log")
    return topics.pop()


def _channel(topic: str, says: str, messages: Iterable[str]) -> dict[str, Any]:
    spec = next(each for each in LOCAL_TOPICS if each.name == topic)
    return {
        "address": topic,
        "description": says,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {
            "kafka": {
                "topic": topic,
                "partitions": spec.partitions,
                "topicConfiguration": {name: int(value) for name, value in spec.settings.items() if name in _TOPIC_SETTINGS},
                "bindingVersion": _BINDING,
            }
        },
    }


def _operations(service: Service) -> dict[str, Any]:
    operations: dict[str, Any] = {}
    consumer = service.process.consumer
    if consumer is not None:
        operations["read"] = {
            **_operation("receive", _LOG, (model.__name__ for model in service.reads)),
            "summary": "Follows the log, each event at least once and each complaint's in order.",
            "bindings": {"kafka": {"groupId": {"type": "string", "enum": [consumer.group]}, "bindingVersion": _BINDING}},
        }
    if service.process.relay is not None and service.writes:
        operations["write"] = {
            **_operation("send", _LOG, (model.__name__ for model in service.writes)),
            "summary": "Tells what became true here, from the outbox, in order.",
        }
    if consumer is not None:
        operations["setAside"] = {
            **_operation("send", _DEAD_LETTERS, [_DEAD_LETTER]),
            "summary": f"Sets a record aside; {consumer.settings.dead_letter_limit} in a row (`DEAD_LETTER_LIMIT`) stop the reader.",
        }
    return operations


def _operation(action: str, channel: str, messages: Iterable[str]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages],
    }


def _components(service: Service, models: Iterable[type[Event]]) -> dict[str, Any]:
    messages = {model.__name__: _message(model) for model in models}
    if service.process.consumer is not None:
        messages[_DEAD_LETTER] = _dead_letter()
    schemas: dict[str, Any] = {}
    for model in models:
        for name, part in _parts(model).items():
            if schemas.setdefault(name, part) != part:
                raise ValueError(f"two parts of events are called {name} and differ: give one another name")
    return {"messages": messages, "schemas": dict(sorted(schemas.items()))}


def _parts(model: type[Event]) -> dict[str, Any]:
    """The event's published schema and the parts that it refers to, each under its name."""
    whole = _pointed_here(schema(model))
    parts = whole.pop("$defs", {})
    del whole["$schema"], whole["$id"]
    return {model.__name__: whole, **parts}


def _pointed_here(node: Any) -> Any:
    """A copy whose references point to where this document keeps parts."""
    if isinstance(node, Mapping):
        return {
            name: value.replace("#/$defs/", "#/components/schemas/") if name == "$ref" else _pointed_here(value)
            for name, value in node.items()
        }
    return [_pointed_here(each) for each in node] if isinstance(node, list) else node


def _message(model: type[Event]) -> dict[str, Any]:
    event_type = model.model_fields["type"].default
    return {
        "name": event_type,
        "title": model.__name__,
        "summary": (model.__doc__ or "").partition("\n")[0],
        "contentType": cloudevents.CONTENT_TYPE.decode(),
        "headers": _headers(event_type, f"{event_type}.v{model.version}.json"),
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "format": "uuid", "description": "The complaint's id."},
                "bindingVersion": _BINDING,
            }
        },
    }


def _headers(event_type: str, dataschema: str) -> dict[str, Any]:
    """CloudEvents' attributes as Kafka's headers carry them: UTF-8 text."""
    return {
        "type": "object",
        "required": ["ce_type", "ce_id", "ce_subject", "ce_time", "ce_source", "ce_specversion", "ce_dataschema", "content-type"],
        "properties": {
            "ce_type": {"type": "string", "const": event_type},
            "ce_id": {"type": "string", "format": "uuid", "description": "The same cause makes the same id."},
            "ce_subject": {"type": "string", "format": "uuid", "description": "The complaint's id."},
            "ce_time": {"type": "string", "format": "date-time", "description": "When it became true, UTC."},
            "ce_source": {
                "type": "string",
                "pattern": f"^{cloudevents.source('[a-z]+')}$",
                "description": "The service that tells it.",
            },
            "ce_specversion": {"type": "string", "const": cloudevents.SPEC_VERSION.decode()},
            "ce_dataschema": {
                "type": "string",
                "const": dataschema,
                "description": "The body's JSON Schema, below `tanggap/contracts/schemas/`.",
            },
            "content-type": {"type": "string", "const": cloudevents.CONTENT_TYPE.decode()},
            "traceparent": {
                "type": "string",
                "pattern": "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
                "description": "W3C Trace Context; left out where nothing is traced.",
            },
        },
    }


def _dead_letter() -> dict[str, Any]:
    return {
        "name": "dead-letter",
        "title": "A record that could not be handled",
        "summary": "The record's own key, body and headers, and ours beside them.",
        "headers": {
            "type": "object",
            "required": [dead_letters.ORIGIN, dead_letters.REASON, dead_letters.SERVICE, dead_letters.TIME],
            "properties": {
                dead_letters.ORIGIN: {
                    "type": "string",
                    "pattern": "^.+/[0-9]+/[0-9]+$",
                    "description": "Where it stood: topic/partition/offset.",
                },
                dead_letters.REASON: {
                    "type": "string",
                    "maxLength": dead_letters.MAX_REASON,
                    "description": "Why it could not be handled.",
                },
                dead_letters.SERVICE: {"type": "string", "description": "Who could not handle it."},
                dead_letters.TIME: {"type": "string", "format": "date-time"},
                dead_letters.BODY: {"type": "string", "description": "Set where the body was left out because it was too large."},
            },
        },
        "payload": {"description": "Whatever the record had: it may not be JSON at all."},
    }
