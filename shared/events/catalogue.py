"""Every event type that Leadflow publishes or reads: topic = type."""

from shared.events import capture, enrichment, external, goals, outreach, scoring, stages
from shared.events.base import Event

_MODULES = (external, capture, enrichment, scoring, stages, outreach, goals)

CATALOGUE: dict[str, type[Event]] = {
    event.type: event
    for module in _MODULES
    for event in vars(module).values()
    if isinstance(event, type) and issubclass(event, Event) and event.__module__ == module.__name__
}
"""Event models by type, in the order of the pipeline."""
