"""How referral keeps its aggregates and reads its reference data."""
