"""The use cases of the goals service: load, decide, save, publish."""
