"""Who has to know: tells organisations by mail what the platform found, and never writes to a person."""
