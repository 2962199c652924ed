"""The test kit: fakes that keep the same promises as the real parts, builders, patience. Never used in production."""
