"""The one door for what comes in about people and companies; who they are stays in its vault."""
