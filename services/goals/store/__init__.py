"""Every query of the goals service."""
