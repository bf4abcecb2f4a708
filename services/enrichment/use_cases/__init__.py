"""What enrichment does: facts of leads, questions to providers, and what tenants configure."""
