"""A run of the tests ends, whatever happens to its workers (tests/sharing.py)."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PASSES = "def test_{name}():\n    pass\n"
DIES = "import os, signal\n\n\ndef test_{name}():\n    os.kill(os.getpid(), signal.SIGKILL)\n"
HANGS = "import time\n\n\ndef test_{name}():\n    time.sleep(600)\n"
# Its worker dies while the worker in the place of an earlier one collects, which takes two seconds more.
DIES_LATER = """import os, signal, time

if os.environ.get("PYTEST_XDIST_WORKER") not in (None, "gw0", "gw1"):
    time.sleep(2)


def test_{name}():
    time.sleep(1.5)
    os.kill(os.getpid(), signal.SIGKILL)
"""

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path) -> Run:
    """Run test files of these lines of tests with two workers; the last line of what pytest told."""

    def run(*files: list[str]) -> str:
        for number, tests in enumerate(files):
            text = "\n\n".join(test.format(name=place) for place, test in enumerate(tests))
            (tmp_path / f"test_{number:02}.py").write_text(text)
        words = [
            "-p",
            "xdist",
            "-p",
            "tests.sharing",
            "-n",
            "2",
            "-o",
            "faulthandler_timeout=3",
            "-o",
            "faulthandler_exit_on_timeout=1",
        ]
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                *words,
                "-p",
                "no:cacheprovider",
                "--rootdir",
                str(tmp_path),
                str(tmp_path),
            ],
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return re.sub(r"^=+ | in .*$", "", done.stdout.strip().splitlines()[-1])

    return run


@pytest.mark.parametrize("broken", [DIES, HANGS], ids=["dies", "hangs"])
def test_a_test_whose_process_ends_has_failed_and_every_other_runs(run, broken):
    assert run(*[[PASSES] * 3] * 6, [PASSES, broken, PASSES], *[[PASSES] * 3] * 3) == "1 failed, 29 passed"


def test_several_processes_may_end(run):
    assert run([DIES, PASSES], [PASSES], [DIES], [PASSES, PASSES], [DIES]) == "3 failed, 4 passed"


def test_a_process_may_end_while_the_one_in_the_place_of_another_starts(run):
    assert run([DIES, PASSES], [DIES_LATER, PASSES], [PASSES, PASSES], [PASSES]) == "2 failed, 5 passed"


def test_the_last_test_may_end_its_process(run):
    assert run([PASSES] * 3, [PASSES] * 3, [PASSES, PASSES, DIES]) == "1 failed, 8 passed"


def test_tests_that_pass_pass(run):
    assert run([PASSES], [PASSES] * 2, [PASSES]) == "4 passed"
