"""Rows that intake keeps from events of other services, to show them. They publish nothing and decide nothing."""
