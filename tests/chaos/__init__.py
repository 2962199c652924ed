"""Faults at every crash point, on real processes and servers, and one oracle that finds every violation."""
