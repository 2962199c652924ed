"""How far the simulation looked, for the line at the end of a run."""

from collections import Counter

LOOKED_AT: Counter[str] = Counter()
"""Until now: schedules, turns that somebody got in them, and calls of which it was decided how they go."""
