"""The headers of a record as an AsyncAPI message trait: CloudEvents attributes in binary mode."""

from typing import Any

_TEXT = {"type": "string", "maxLength": 512}
_MOMENT = {"type": "string", "format": "date-time"}

HEADERS: dict[str, dict[str, Any]] = {
    "ce_specversion": {"type": "string", "const": "1.0", "description": "Version of CloudEvents."},
    "ce_id": {**_TEXT, "description": "Unique together with `ce_source`; a duplicate has the same."},
    "ce_source": {**_TEXT, "description": "The sender: `/services/<name>`, or one of a partner's own sources."},
    "ce_type": {**_TEXT, "description": "What happened. The last part is the major version."},
    "ce_subject": {**_TEXT, "description": "What it happened to; the key of the record."},
    "ce_partitionkey": {**_TEXT, "description": "The same as `ce_subject`: equal keys keep their order."},
    "ce_time": {**_MOMENT, "description": "When it happened, with a time zone."},
    "ce_recordedtime": {**_MOMENT, "description": "When it was written down."},
    "ce_sequence": {
        "type": "string",
        "pattern": "^[0-9]{1,18}$",
        "description": "Counts from 1 per `ce_subject`, padded with zeros: shows gaps and late events.",
    },
    "ce_correlationid": {**_TEXT, "description": "The case or process that it belongs to."},
    "ce_causationid": {**_TEXT, "description": "`ce_id` of the event that caused it."},
    "ce_dataclassification": {
        "type": "string",
        "enum": ["public", "internal", "confidential", "restricted"],
        "description": "How sensitive the data is.",
    },
    "ce_dataschema": {
        **_TEXT,
        "description": "Name of the exact schema of the writer; a schema never changes.",
    },
    "ce_authtype": {**_TEXT, "description": "The kind of `ce_authid`."},
    "ce_authid": {**_TEXT, "description": "The partner whose message it follows from; set by us, not by a partner."},
    "traceparent": {
        "type": "string",
        "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
        "description": "W3C trace context of the moment at which it was written down.",
    },
    "content-type": {
        "type": "string",
        "description": "`application/json`, or `application/cloudevents+json` when the value holds the whole event.",
    },
}
"""Every header that we write, with its meaning."""

CLOUD_EVENT: dict[str, Any] = {
    "contentType": "application/json",
    "headers": {
        "type": "object",
        "properties": HEADERS,
        "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time"],
    },
    "correlationId": {"location": "$message.header#/ce_correlationid", "description": "The case or process."},
}
"""CloudEvents 1.0 on Kafka, binary mode."""
