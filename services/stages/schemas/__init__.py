"""HTTP bodies of the stage service: what it is asked, and what it answers."""
