"""How the workers of one run of the tests share them (pytest-xdist)."""

import os

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """How many workers `-n auto` starts: one more than there are cores, because each waits a part of its time, and at
    most four, because each has a broker and a database server of its own. One more than that saves a few seconds on
    two cores, and makes tests late that wait for something."""
    return min(4, (os.cpu_count() or 1) + 1)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """The long files are not among the last, as they are by their names."""
    config.option.loadscopereorder = False
    return ByFile(config, log)


class ByFile(LoadScopeScheduling):
    """A worker takes whole files, in order, so that the services of a folder start once in each worker.

    The tests of the whole system share one `leadflow up`: they are one piece of work.

    When the process of a worker dies, the test that it ran has failed, and what it had not run yet goes to the others.
    The scheduler of pytest-xdist 3.8 starts that test again, then waits for ever for files that were done before
    (https://github.com/pytest-dev/pytest-xdist/issues/1378), and gives tests to a worker that still collects them
    (https://github.com/pytest-dev/pytest-xdist/issues/1362).
    """

    def _split_scope(self, nodeid: str) -> str:
        return "tests/e2e" if nodeid.startswith("tests/e2e/") else nodeid.split("::", 1)[0]

    def _reschedule(self, node: WorkerController) -> None:
        if node in self.registered_collections:
            super()._reschedule(node)

    def _assign_work_unit(self, node: WorkerController) -> None:
        super()._assign_work_unit(node)
        # A worker runs a test only when it also knows the next one.
        while self.workqueue and self._pending_of(self.assigned_work[node]) < 2:
            super()._assign_work_unit(node)

    def remove_node(self, node: WorkerController) -> str | None:
        files = self.assigned_work.pop(node)
        left = [(file, test) for file, tests in files.items() for test, done in tests.items() if not done]
        for file, test in left[1:]:
            self.workqueue.setdefault(file, {})[test] = False
        if self.workqueue:
            for other in self.assigned_work:
                self._reschedule(other)
        return left[0][1] if left else None
