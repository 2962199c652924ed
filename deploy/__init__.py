"""Runs the platform: the local stack, the demo and the command line. No rule of any service lives here."""
