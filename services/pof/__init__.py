"""Which school wants to start which dual programme, and did it apply in time: the register of the overlegforum."""
