"""Brings learners and workplaces together: it proposes a match, and a person decides."""
