"""The events that the stage service reads: all that are about a lead. Its activities are the inbox."""

from services.stages.use_cases.events import record_events

handle = record_events
"""The handler of a batch of events."""
