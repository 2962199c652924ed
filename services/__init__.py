"""One package per bounded context. No service imports another: they share events only."""
