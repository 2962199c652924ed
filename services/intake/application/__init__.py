"""One short function per command. Knows what has to happen, not how anything is stored or sent."""
