"""How long a call keeps the processor, so that a test can put a bound on it that holds on a busy machine as well."""

import gc
import time
from collections.abc import Callable


def processor_seconds(call: Callable[[], object], enough: float = 0) -> float:
    """The processor time of a call in seconds: the least of up to three runs, the last being one below `enough`.

    Only this thread counts, and the garbage collector rests meanwhile: what the fixtures of other tests have running
    and in memory is none of the call's cost.
    """
    least = float("inf")
    collects = gc.isenabled()
    gc.disable()
    try:
        for _ in range(3):
            begun = time.thread_time()
            call()
            least = min(least, time.thread_time() - begun)
            if least < enough:
                break
    finally:
        if collects:
            gc.enable()
    return least
