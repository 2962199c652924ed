"""One short function per command or event. Storing and publishing is left to the chassis."""
