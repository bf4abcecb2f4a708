"""What concerns the whole of outreach: modes of leads and tenants, forgetting a person."""
