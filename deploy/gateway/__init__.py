"""The one address of the platform: which path belongs to which service, and the configuration of Caddy from it."""
