"""The gate that every change of an event has to pass: named rules, and two others that check the rules."""
