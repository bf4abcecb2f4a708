"""What `make kube ARGS="install scaling"` proves: the cluster itself adds pods when there is more to do, and takes them
away again. It needs KEDA, and a metrics server for the processor time of pods."""

import time
from typing import Any

from tests.chart.helm import merged
from tests.kube.cluster import Failed, until
from tests.kube.context import Context

SCALED = {"scoring": "consumers", "stages": "consumers", "capture": "api"}
MOST = 3
BACKLOG_SECONDS = 40.0
"""For so long leads flow and the consumers stand still; the lag that is then there must outlast the 15 s after which
a HorizontalPodAutoscaler looks again."""
DOWN_SECONDS = 480.0
"""A HorizontalPodAutoscaler takes pods away after five minutes in which fewer would have done."""

_CONSUMERS = [service for service, part in SCALED.items() if part == "consumers"]
_OBJECTS = f"app.kubernetes.io/component in ({', '.join(_CONSUMERS)})"


def scales_up(context: Context) -> str:
    """Consumers by KEDA on their lag, APIs by processor time. The backlog is made as day-two.md stops consumers."""
    _needs(context)
    context.namespace.install(_values(context), verb="upgrade")
    context.namespace.kubectl("wait", "scaledobject", "--all", "--for=condition=Ready", "--timeout=90s")
    deployments = [f"deployment/{_deployment(service)}" for service in _CONSUMERS]
    after: dict[str, float] = {}

    def all_added() -> bool:
        after.update({service: time.monotonic() - began for service in _at_most(context) - after.keys()})
        return len(after) == len(SCALED)

    with context.load("scaling", 60) as report:
        context.namespace.kubectl("annotate", "scaledobject", "-l", _OBJECTS, "autoscaling.keda.sh/paused=true")
        context.namespace.kubectl("scale", *deployments, "--replicas=0")
        time.sleep(BACKLOG_SECONDS)
        if added := [service for service in _CONSUMERS if _replicas(context, service)]:
            raise Failed(f"KEDA did not let {added} stand still")
        began = time.monotonic()
        context.namespace.kubectl("annotate", "scaledobject", "-l", _OBJECTS, "autoscaling.keda.sh/paused-")
        until(all_added, 240, lambda: f"not scaled to {MOST}: {_seen(context)}")
    times = ", ".join(f"{service} {SCALED[service]} after {seconds:.0f} s" for service, seconds in after.items())
    return f"{MOST} of each: {times}; {report}"


def scales_down(context: Context) -> str:
    """What was added goes again, and the release is left as it was."""
    began = time.monotonic()
    until(
        lambda: all(_replicas(context, service) == 1 for service in SCALED),
        DOWN_SECONDS,
        lambda: f"not scaled to 1: {_seen(context)}",
    )
    after = time.monotonic() - began
    context.namespace.install(context.values(), verb="upgrade")
    return f"1 of each, {after:.0f} s after the load"


def _needs(context: Context) -> None:
    for name, what in (("v1beta1.external.metrics.k8s.io", "KEDA"), ("v1beta1.metrics.k8s.io", "metrics server")):
        if not context.namespace.has("apiservice", name):
            raise Failed(f"this cluster has no {what} ({name})")


def _values(context: Context) -> dict[str, Any]:
    autoscaling = {"enabled": True, "minReplicas": 1, "maxReplicas": MOST}
    # One consumer has a share of a core only, so that the backlog is not gone before anybody looked.
    consumers = {"autoscaling": autoscaling | {"lagThreshold": 100}, "resources": {"limits": {"cpu": "150m"}}}
    api = {"autoscaling": autoscaling}
    scaled = {service: {part: consumers if part == "consumers" else api} for service, part in SCALED.items()}
    return merged(context.values(), {"services": scaled})


def _deployment(service: str) -> str:
    return f"leadflow-{service}-{SCALED[service]}"


def _replicas(context: Context, service: str) -> int:
    return int(context.namespace.get("deployment", _deployment(service))["spec"]["replicas"])


def _at_most(context: Context) -> set[str]:
    return {service for service in SCALED if _replicas(context, service) == MOST}


def _seen(context: Context) -> str:
    return context.namespace.kubectl("get", "hpa", "--no-headers", check=False)
