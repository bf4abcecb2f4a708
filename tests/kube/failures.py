"""What `make kube` proves about what is wrong: who suffers says why in one line, others go on, all heals by itself."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from tests.kube.cluster import condition, until
from tests.kube.context import Context

_GOALS = "app.kubernetes.io/component=goals,leadflow/part=consumers"


def wrong_secret(context: Context) -> str:
    namespace = context.namespace
    right = namespace.get("secret", "leadflow-goals-postgres")["data"]["password"]
    with _while_goals_suffers(context, "wrong", "password authentication failed") as said:
        _patch(context, "d3Jvbmc=")
        _new_pod(context)
        said.append(_until_said(context, "password authentication failed"))
        _patch(context, right)
    return said[-1]


def missing_database(context: Context) -> str:
    with _while_goals_suffers(context, "missing", "does not exist") as said:
        _rename(context, "leadflow_goals", "elsewhere")
        _new_pod(context)
        said.append(_until_said(context, "does not exist"))
        _rename(context, "elsewhere", "leadflow_goals")
    return said[-1]


def full_topic(context: Context) -> str:
    """A topic that takes nothing for now: every record is too old for it."""
    with _while_goals_suffers(context, "full", "relay.backs_off") as said:
        _configure(context, "--add-config", "message.timestamp.type=CreateTime,message.timestamp.before.max.ms=0")
        said.append(_until_said(context, "relay.backs_off", "app.kubernetes.io/component=scoring"))
        _configure(context, "--add-config", "message.timestamp.type=LogAppendTime")
        _configure(context, "--delete-config", "message.timestamp.before.max.ms")
    return said[-1]


@contextmanager
def _while_goals_suffers(context: Context, name: str, words: str) -> Iterator[list[str]]:
    """Leads flow meanwhile, and afterwards every pod is ready again."""
    said: list[str] = []
    with context.load(name, 30, patient=True):
        yield said
        until(lambda: context.namespace.is_ready(_GOALS, 1), 120, f"goals does not recover from {words!r}")


def _patch(context: Context, password: str) -> None:
    patch = json.dumps({"data": {"password": password}})
    context.namespace.kubectl("patch", "secret", "leadflow-goals-postgres", "-p", patch)


def _new_pod(context: Context) -> None:
    context.namespace.kubectl("delete", "pod", "-l", _GOALS, "--wait=true")


def _rename(context: Context, old: str, new: str) -> None:
    sql = context.namespace.sql
    sql("postgres", f"ALTER DATABASE {old} ALLOW_CONNECTIONS false")
    sql("postgres", f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{old}'")
    sql("postgres", f"ALTER DATABASE {old} RENAME TO {new}")
    sql("postgres", f"ALTER DATABASE {new} ALLOW_CONNECTIONS true")


def _configure(context: Context, *change: str) -> None:
    tool = ["/java/bin/java", "-Xmx64m", "-cp", "/jars/*", "kafka.admin.ConfigCommand"]
    of = ["--bootstrap-server", "kafka:9092", "--entity-type", "topics", "--entity-name", "lead.scored", "--alter"]
    context.namespace.exec("kafka-0", *tool, *of, *change)


def _until_said(context: Context, words: str, selector: str = _GOALS) -> str:
    """The line of a log in which a pod that suffers says so."""

    def line() -> str:
        for pod in context.namespace.pods(selector):
            said = context.namespace.kubectl("logs", pod["metadata"]["name"], "--tail=200", check=False)
            found = [one for one in said.splitlines() if words in one]
            if found and (selector != _GOALS or condition(pod, "Ready") != "True"):
                return found[-1][:260]
        return ""

    return str(until(line, 120, f"no pod says {words!r}"))
