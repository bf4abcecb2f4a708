"""`make kube`: builds the image, installs the chart into a real cluster, and proves what docs/operations promises.

One line for each claim as it is proved; the exit code is 1 if one does not hold. ARGS names groups of claims; without,
all but `scaling`, which needs KEDA and a metrics server in the cluster, and `operators`, which needs CloudNativePG.
`--keep` leaves the namespace for a look.
"""

import argparse
import sys
import time
from collections.abc import Callable

from tests.kube import claims, failures, operators, recovery, scaling, under_load
from tests.kube.cluster import Failed, Namespace, connect
from tests.kube.context import Context

Claim = tuple[str, Callable[[Context], str]]

GROUPS: dict[str, list[Claim]] = {
    "install": [
        ("The image is small", claims.image_is_small),
        ("Kafka and Postgres run as pods", claims.servers_start),
        ("`helm install --wait` works from nothing", claims.installs_from_nothing),
        ("`helm test` sends a lead through", claims.helm_test_is_green),
    ],
    "guards": [
        ("Every pod is restricted", claims.pods_are_restricted),
        ("No token of the cluster is mounted", claims.no_token_is_mounted),
        ("The network lets through what is needed, and nothing else", claims.network_is_closed),
        ("The cluster takes the objects of every switch", claims.every_switch_is_taken),
        ("A process starts fast", claims.starts_fast),
    ],
    "load": [
        ("Leads flow through API and Kafka", under_load.steady),
        ("An upgrade with a migration, and back, loses nothing", under_load.upgrade_and_back),
        ("An upgrade in turns, and back, is hardly felt", under_load.upgrade_in_turns),
        ("Each pod may be killed", under_load.each_pod_is_killed),
        ("Postgres and Kafka may restart", under_load.servers_restart),
        ("Pods may be evicted", under_load.node_is_drained),
        ("Consumers scale up and down", under_load.consumers_scale),
    ],
    "failures": [
        ("A wrong secret says why, and the others go on", failures.wrong_secret),
        ("A missing database says why, and the others go on", failures.missing_database),
        ("A topic that takes nothing says why, and the others go on", failures.full_topic),
    ],
    "recovery": [
        ("A database that is restored from a backup catches up", recovery.restored_from_backup),
        ("A lost database of goals is built again", recovery.goals_are_rebuilt),
    ],
    "scaling": [
        ("Consumers are added by their lag, APIs by processor time", scaling.scales_up),
        ("What was added goes again", scaling.scales_down),
    ],
    "operators": [
        ("The chart makes its Postgres by CloudNativePG", operators.postgres_is_made),
        ("The first instance of Postgres may die", operators.postgres_fails_over),
    ],
    "beside": [("The chart is installed twice, beside each other", claims.installs_beside_itself)],
}
BY_NAME = ("scaling", "operators")
"""Groups that need more than a cluster has by itself, and so are tried when they are asked for."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make kube", description=__doc__)
    parser.add_argument(
        "groups", nargs="*", metavar="GROUP", help=f"of {', '.join(GROUPS)}; by default all but {', '.join(BY_NAME)}"
    )
    parser.add_argument("--namespace", default="leadflow-kube")
    parser.add_argument("--rate", type=float, default=20, help="leads a second (20)")
    parser.add_argument(
        "--fewer", action="store_true", help="only the parts that the load needs: 10 pods, for a node with few cores"
    )
    parser.add_argument("--keep", action="store_true", help="leave the namespace when all is done")
    options = parser.parse_args()
    if unknown := set(options.groups) - GROUPS.keys():
        parser.error(f"there is no group {', '.join(sorted(unknown))}; the groups are {', '.join(GROUPS)}")
    context = Context(
        Namespace(options.namespace),
        Namespace(f"{options.namespace}-beside"),
        options.rate,
        whole=not options.fewer,
    )
    try:
        connect()
    except Failed as failure:
        print(f"FAILED: {failure}")
        return 1
    failed = 0
    for group in options.groups or [group for group in GROUPS if group not in BY_NAME]:
        for sentence, prove in GROUPS[group]:
            began = time.monotonic()
            try:
                print(f"ok      {sentence}: {prove(context)} ({time.monotonic() - began:.0f} s)", flush=True)
            except Failed as failure:
                failed += 1
                print(f"FAILED  {sentence}: {failure}", flush=True)
                if group == "install":
                    return 1
    if not options.keep:
        context.namespace.kubectl("delete", "namespace", options.namespace, "--wait=false")
    if not options.groups:
        print(f"not tried, because it was not asked for: {', '.join(BY_NAME)}")
    print(f"{failed} claims do not hold" if failed else "every claim holds")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
