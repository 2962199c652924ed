"""One short function per event. Storing and publishing is left to the chassis."""
