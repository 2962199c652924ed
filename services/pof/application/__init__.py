"""One short function per command or event. Knows what has to happen, not how anything is stored or sent."""
