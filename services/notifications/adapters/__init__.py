"""How notifications keeps its messages, knows its addresses, writes its letters and speaks SMTP."""
