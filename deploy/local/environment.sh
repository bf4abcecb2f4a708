#!/bin/sh
# Creates .venv from requirements.lock; does nothing if .venv was created from the same lock file.
# Needs only Python >= 3.11: `uv` is used if it is installed, else it is fetched into .leadflow/tools.
set -eu
cd "$(dirname "$0")/../.."

fail() {
    echo "leadflow: $*" >&2
    exit 1
}

# Behind a company's proxy the certificates that count are the system's; pip and uv bring lists of their own.
# What the environment says already stays.
use_system_certificates() {
    for bundle in "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem /etc/ssl/cert.pem; do
        if [ -n "$bundle" ] && [ -r "$bundle" ]; then
            export SSL_CERT_FILE="$bundle" PIP_CERT="${PIP_CERT:-$bundle}"
            break
        fi
    done
    export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}" UV_NATIVE_TLS="${UV_NATIVE_TLS:-true}" # the new name, and the old one
}

find_python() {
    for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            # The real program: a version manager's shim cannot be the base of a virtual environment.
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    fail "Python 3.11 or newer is needed and was not found (set PYTHON=/path/to/python3)."
}

find_uv() {
    if uv --version >/dev/null 2>&1; then
        echo uv
        return
    fi
    tools=.leadflow/tools
    if ! "$tools/bin/uv" --version >/dev/null 2>&1; then
        echo "leadflow: fetching uv into $tools" >&2
        rm -rf "$tools"
        if "$1" -c 'import venv, ensurepip' 2>/dev/null; then
            "$1" -m venv "$tools" >&2 && "$tools/bin/python" -m pip install --quiet uv >&2 || fail "uv could not be installed (see above)."
        elif "$1" -m pip --version >/dev/null 2>&1; then
            "$1" -m pip install --quiet --target "$tools" uv >&2 || fail "uv could not be installed (see above)."
        else
            fail "this Python has neither venv nor pip; on Debian and Ubuntu: apt-get install python3-venv (or install uv)."
        fi
    fi
    echo "$tools/bin/uv"
}

python=$(find_python)
stamp=.venv/.made-from
wanted=$(cat requirements.lock pyproject.toml | "$python" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())')
if [ -x .venv/bin/leadflow ] && [ "$(cat "$stamp" 2>/dev/null || true)" = "$wanted" ]; then
    exit 0
fi

use_system_certificates
uv=$(find_uv "$python")
echo "leadflow: creating .venv from requirements.lock" >&2
if [ ! -x .venv/bin/python ]; then
    "$uv" venv --quiet --allow-existing --python "$python" .venv
fi
export VIRTUAL_ENV="$PWD/.venv"
"$uv" pip sync --quiet --compile-bytecode --require-hashes requirements.lock
"$uv" pip install --quiet --no-deps --editable .
.venv/bin/python -m compileall -q cli deploy services shared # as above: an environment may forbid Python to do it later
echo "$wanted" >"$stamp"
