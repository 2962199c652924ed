"""Faults at every named place, on real processes and real servers, and one oracle that says what broke."""
