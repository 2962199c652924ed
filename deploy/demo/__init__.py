"""The demo: a day of traffic through all services, a killed service half way, and a verdict."""
