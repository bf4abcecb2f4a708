"""`make compose`: brings deploy/compose.yaml up with a Docker engine, and proves what its first lines promise.

One line for each claim as it is proved; the exit code is 1 if one does not hold. It needs `docker compose`, the ports
of the compose file, and its images (a registry, or images of these names in the engine). It runs as a project of its
own, and deletes its volumes in the end; `--keep` leaves all of it for a look.
"""

import argparse
import sys
import time
from collections.abc import Callable

from tests.compose.project import NAME, Project
from tests.compose.promises import CLAIMS, starts
from tests.kube.cluster import Failed


def main() -> int:
    parser = argparse.ArgumentParser(prog="make compose", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave everything when all is done")
    options = parser.parse_args()
    project, failed = Project(), 0
    try:
        project.connect()
    except Failed as failure:
        print(f"FAILED: {failure}")
        return 1
    for sentence, prove in CLAIMS[: -1 if options.keep else None]:
        if not (held := _tell(sentence, prove, project)):
            failed += 1
        if not held and prove is starts:
            print(f"The rest needs it. The logs: docker compose -p {NAME} logs")
            return 1
    print(f"{failed} claims do not hold" if failed else "every claim holds")
    return 1 if failed else 0


def _tell(sentence: str, prove: Callable[[Project], str], project: Project) -> bool:
    began = time.monotonic()
    try:
        print(f"ok      {sentence}: {prove(project)} ({time.monotonic() - began:.0f} s)", flush=True)
    except Failed as failure:
        print(f"FAILED  {sentence}: {failure}", flush=True)
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
