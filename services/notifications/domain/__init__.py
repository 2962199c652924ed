"""Which event makes which letter, and the life of mails and webhooks. Plain Python: no I/O, no clock, no chance."""
