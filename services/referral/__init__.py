"""Refers questions and risk signals to the services of partners, each with a due date."""
