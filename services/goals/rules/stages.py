"""The stages that a pipeline report always lists, in the order of the journey."""

STAGES = (
    "new", "contacted", "engaged", "qualified", "scheduled", "meeting_completed", "nurture", "exhausted",
    "won", "lost", "bad_phone", "bad_contact", "moved_company", "dead",
)  # fmt: skip
"""Those of the stage service; a test compares them. A stage that it adds later is counted and listed too."""

START = STAGES[0]
"""The stage of a lead that has not moved yet."""
