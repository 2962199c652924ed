"""Takes in everything about people and companies; names, addresses and what people wrote stay in its vault."""
