"""How notifications keeps its messages, knows its addresses and partners, writes its letters, speaks SMTP and HTTP."""
