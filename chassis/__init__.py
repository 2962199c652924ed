"""The microservice chassis: everything that every service needs and no service is about. Knows no service by name."""
