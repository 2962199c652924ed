"""The test kit: fakes that pass the same tests as the real parts, builders, waiting. Never used in production."""
