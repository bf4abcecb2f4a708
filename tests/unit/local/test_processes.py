import signal
import subprocess
import sys
import time

import psutil
import pytest

from deploy.local import process
from deploy.local.service import ServiceProcess


def gone(pid: int, seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.01)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's")
def test_a_child_ends_when_its_parent_is_killed(tmp_path):
    script = (
        "import sys, time\nfrom deploy.local.process import launch\n"
        "child = launch(['sleep', '60'], log=open(sys.argv[1], 'ab'))\nprint(child.pid, flush=True)\ntime.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "log")], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    assert gone(child)


def test_a_process_that_does_not_stop_in_time_is_killed(tmp_path):
    ignoring = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    )
    with (tmp_path / "log").open("ab") as log:
        child = process.launch([sys.executable, "-c", ignoring], log=log)
    process.wait_until(lambda: (tmp_path / "log").read_text() == "up\n", child, tmp_path / "log", "it", 10)
    assert process.stop(child, signal.SIGTERM, 0.1) is False
    assert child.returncode == -signal.SIGKILL


def test_what_ends_while_starting_is_told_with_the_end_of_its_log(tmp_path):
    with (tmp_path / "log").open("ab") as log:
        child = process.launch([sys.executable, "-c", "print('the disk is full'); raise SystemExit(3)"], log=log)
    with pytest.raises(process.StartError, match=r"(?s)Thing ended with code 3 .*the disk is full"):
        process.wait_until(lambda: False, child, tmp_path / "log", "Thing", 10)


def test_a_leftover_is_ended_only_if_it_is_ours(tmp_path):
    with (tmp_path / "log").open("ab") as log:
        child = process.launch(["sleep", "60"], log=log)
    process.end_stray(child.pid, "postgres", signal.SIGTERM)
    assert child.poll() is None
    process.end_stray(child.pid, "sleep 60", signal.SIGTERM)
    assert gone(child.pid)
    child.wait(5)


def test_a_service_that_dies_is_named_and_restarted_after_a_pause_that_grows(tmp_path):
    service = ServiceProcess("no-such-service", {"LEADFLOW_DATA": str(tmp_path)}, tmp_path / "log")
    pauses = []
    for restart in range(3):
        service.launch() if restart == 0 else None
        deadline = time.monotonic() + 20
        while (reason := service.died()) is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert reason == "ended with code 1"
        assert "there is no service" in service.last_words
        assert service.died() is None, "each death is told once"
        pauses.append(service.back_off)
        if restart < 2:
            while not service.restart_if_due():
                time.sleep(0.02)
    assert pauses == [0.5, 1.0, 2.0]
    assert service.restarts == 2


def test_a_service_that_is_held_stays_down_until_it_is_released(tmp_path):
    service = ServiceProcess("no-such-service", {"LEADFLOW_DATA": str(tmp_path)}, tmp_path / "log")
    service.launch(on_your_marks=True)
    while not service.hold():
        time.sleep(0.02)
    assert service.died() is None
    assert not service.restart_if_due()
    assert service.release()
    assert service.pid is not None
    service.kill()
