"""Every query of the enrichment service."""
