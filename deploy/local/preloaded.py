"""What all six services are made of, loaded once: the process that imports this module is copied for each of them.

Nothing here may start a thread or make a random number: a copy would have the one not, and the other twice.
"""

import gc

from shared import collector

collector.pause()

import cli.services  # noqa: E402, F401
import shared.db.columns  # noqa: E402
import shared.http.server  # noqa: E402
import shared.observability  # noqa: E402
import shared.service  # noqa: E402
import shared.store.erasure  # noqa: E402, F401

# Never looked at by a collection, the pages of memory that hold them stay common to all copies.
gc.freeze()
