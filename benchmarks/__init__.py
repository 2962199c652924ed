"""What the platform costs: every figure is a ratio to a limit that is measured beside it, in the same run."""
