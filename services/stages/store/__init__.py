"""Every query of the stage service, by noun."""
