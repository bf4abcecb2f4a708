"""What the stage service reads: every event that is about a lead. Stored activities are the inbox."""

from services.stages.use_cases.arrivals import take

handle = take
"""One batch at a time; `take` is the function to call in a test."""
