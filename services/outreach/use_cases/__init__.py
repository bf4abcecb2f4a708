"""Use cases of outreach as a whole: contact details, modes of leads and tenants, settings, erasure."""
