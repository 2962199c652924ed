"""Intake's pages: a GET asks the queries, a POST makes the same command as the JSON API. No rules, no SQL."""
