"""`python -m services.stages.rules` prints docs/stages.md."""

from .page import page

print(page(), end="")
