"""The queries that all services have in common, on tables that each service's database has."""
