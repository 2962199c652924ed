"""What to do about each event, and about each mail and webhook that is due. No SMTP, HTTP, templates or SQL."""
