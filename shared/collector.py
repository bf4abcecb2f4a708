"""Python's cyclic garbage collector, told what a service is like."""

import gc


def relax() -> None:
    """Leave what a started service consists of out of every collection, and collect seldom. Once for each process.

    A batch makes tens of thousands of objects that live as long as the batch, hardly any of them in cycles. With the
    defaults the collector runs all the time and looks at half a million objects of libraries each time: that was 20 to
    30 % of the time that consumers spent in Python.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
