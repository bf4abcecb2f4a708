"""HTTP routes: translate the request, call a use case."""

from services.stages.endpoints import leads, manual_changes, queue, settings, stages

ROUTERS = tuple(module.router for module in (queue, leads, manual_changes, stages, settings))
