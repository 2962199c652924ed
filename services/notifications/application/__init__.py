"""What to do for each event, and for each mail and webhook that is due. No SMTP, HTTP, templates or SQL."""
