import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from deploy.local import process
from deploy.local.service_process import ServiceProcess


def has_ended(pid: int, seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.01)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals a child whose parent dies")
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
    assert has_ended(child)


def test_a_service_shows_its_name_to_the_system_and_ends_when_leadflow_up_is_killed(tmp_path):
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom deploy.local.service_process import ServiceProcess\n"
        "service = ServiceProcess('stages', {}, Path(sys.argv[1]))\nservice.launch()\n"
        "print(service.pid, flush=True)\ntime.sleep(60)"
    )
    nowhere = {
        "LEADFLOW_STAGES_DATABASE_URL": "postgresql://leadflow@127.0.0.1:1/stages",
        "LEADFLOW_STAGES_PORT": "0",
        "LEADFLOW_KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "LEADFLOW_OIDC_ISSUER": "https://issuer.example",
        "LEADFLOW_OIDC_AUDIENCE": "leadflow",
        "LEADFLOW_OIDC_JWKS_URL": "https://issuer.example/keys",
    }
    command = [sys.executable, "-c", script, str(tmp_path / "log")]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, **nowhere})
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    deadline = time.monotonic() + 30
    while "waits" not in process.tail(tmp_path / "log"):  # for its database
        assert time.monotonic() < deadline, process.tail(tmp_path / "log")
        time.sleep(0.01)
    assert "services run stages" in " ".join(child.cmdline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    try:
        assert has_ended(child.pid)
    finally:
        process.stop_if_marked(child.pid, "services run stages", signal.SIGKILL)


def test_services_that_are_copies_of_one_process_share_neither_threads_nor_random_numbers():
    script = (
        "import deploy.local.preloaded, os, random, secrets, sys\nfrom shared.ids import uuid7\n"
        "print(len(os.listdir('/proc/self/task')) if sys.platform == 'linux' else 1, flush=True)\n"
        "uuid7(), random.random(), secrets.token_hex()\n"
        "for copy in range(2):\n"
        "    if os.fork() == 0:\n"
        "        print(uuid7().hex[-12:], random.random(), secrets.token_hex(), flush=True)\n"
        "        os._exit(0)\n"
        "    os.wait()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    threads, one, other = done.stdout.split("\n")[:3]
    assert threads == "1"
    assert not set(one.split()) & set(other.split())


def test_a_process_that_does_not_stop_in_time_is_killed(tmp_path):
    ignoring = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    )
    with (tmp_path / "log").open("ab") as log:
        child = process.launch([sys.executable, "-c", ignoring], log=log)
    process.wait_until(lambda: (tmp_path / "log").read_text() == "up\n", child, tmp_path / "log", "it", 10)
    assert process.stop(child, signal.SIGTERM, 0.1) is False
    assert child.returncode == -signal.SIGKILL


def test_the_error_of_a_failed_start_has_the_end_of_the_log(tmp_path):
    with (tmp_path / "log").open("ab") as log:
        child = process.launch([sys.executable, "-c", "print('the disk is full'); raise SystemExit(3)"], log=log)
    with pytest.raises(process.StartError, match=r"(?s)Thing ended with code 3 .*the disk is full"):
        process.wait_until(lambda: False, child, tmp_path / "log", "Thing", 10)


def test_a_leftover_is_stopped_only_if_its_command_line_matches(tmp_path):
    with (tmp_path / "log").open("ab") as log:
        child = process.launch(["sleep", "60"], log=log)
    process.stop_if_marked(child.pid, "postgres", signal.SIGTERM)
    assert child.poll() is None
    process.stop_if_marked(child.pid, "sleep 60", signal.SIGTERM)
    assert has_ended(child.pid)
    child.wait(5)


def test_a_service_that_dies_is_restarted_after_a_growing_back_off(tmp_path):
    service = ServiceProcess("no-such-service", {"LEADFLOW_DATA": str(tmp_path)}, tmp_path / "log")
    back_offs = []
    for restart in range(3):
        service.launch() if restart == 0 else None
        deadline = time.monotonic() + 20
        while (reason := service.notice_exit()) is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert reason == "ended with code 1"
        assert "there is no service" in service.error_lines
        assert service.notice_exit() is None, "each exit is returned once"
        back_offs.append(service.back_off)
        if restart < 2:
            while not service.restart_if_due():
                time.sleep(0.02)
    assert back_offs == [0.5, 1.0, 2.0]
    assert service.restarts == 2


def test_a_paused_service_stays_stopped_until_it_is_resumed(tmp_path):
    service = ServiceProcess("no-such-service", {"LEADFLOW_DATA": str(tmp_path)}, tmp_path / "log")
    service.launch(preload=True)
    while not service.pause():
        time.sleep(0.02)
    assert service.notice_exit() is None
    assert not service.restart_if_due()
    assert service.resume()
    assert service.pid is not None
    service.kill()
