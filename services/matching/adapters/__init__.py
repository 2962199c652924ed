"""How matching keeps its aggregates and reads its reference data."""
