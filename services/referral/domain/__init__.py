"""The directory's rules and the life of a referral. Plain Python: no I/O, no clock, no chance."""
