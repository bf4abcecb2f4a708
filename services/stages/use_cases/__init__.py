"""The use cases of the stage service: load, decide by the rules, save, publish."""
