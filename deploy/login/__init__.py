"""A small OpenID Connect provider for the local stack. In production there is a real one, and nothing of this."""
