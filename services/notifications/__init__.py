"""Informs organisations by mail and by webhook; it never writes to a person."""
