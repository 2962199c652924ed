"""The dated code lists that events refer to: partners use them to check their own data, and no rule lives here."""
