"""The gate for every change of an event: named rules, and two independent checks of those rules."""
