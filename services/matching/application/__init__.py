"""One short function per event. Knows what has to happen, not how anything is stored or sent."""
