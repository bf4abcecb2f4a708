#!/bin/sh
# Renews requirements.lock, deploy/requirements.lock (the image: run-time packages of the same versions) and deploy/build.lock.
set -eu
cd "$(dirname "$0")/.."
uv=$(command -v uv || echo .leadflow/tools/bin/uv)
compile() {
    "$uv" pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate "$@"
}
compile --group dev --extra local pyproject.toml -o requirements.lock
compile --constraint requirements.lock pyproject.toml -o deploy/requirements.lock
echo uv | compile - -o deploy/build.lock
