"""The published language: every event, its envelope, topic, schema and examples. No I/O, and no rules of a service."""
