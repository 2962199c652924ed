"""Informs organisations by mail and by webhook, and who asked a question by mail."""
