"""The queries of the stage service, one module for each kind of row or question."""
