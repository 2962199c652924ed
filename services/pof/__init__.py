"""The register of the overlegforum: which school wants to start which dual programme, and did it apply in time."""
