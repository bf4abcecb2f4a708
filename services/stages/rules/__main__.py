"""`python -m services.stages.rules` prints docs/stages.md."""

from .stages_page import stages_page

print(stages_page(), end="")
