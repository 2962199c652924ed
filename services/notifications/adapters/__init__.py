"""Tables, address book, subscribed partners, letters, SMTP and HTTP."""
