"""What to do about each event, and about each message that is due. Knows no SMTP, no templates and no SQL."""
