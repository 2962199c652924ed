"""One short function per command or partner message. Storing and publishing is left to the chassis."""
