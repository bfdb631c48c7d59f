#!/bin/sh
# Makes build/envs/NAME, a virtual environment of its own with the packages of requirements-NAME.txt below tests.
# Run by make, from the top of the checkout: sh scripts/make_env.sh NAME PYTHON_MINOR
set -eu
name=$1
minor=$2
requirements=$(find tests -name "requirements-$name.txt")
env=build/envs/$name
if [ ! -f "$requirements" ]; then
    echo "slipway: there is no environment '$name': no requirements-$name.txt lies below tests" >&2
    exit 1
fi
if cmp -s "$requirements" "$env/.installed"; then exit 0; fi
mkdir -p build/envs
if command -v flock >/dev/null 2>&1; then
    exec 9>"build/envs/.$name.lock"
    flock 9
    if cmp -s "$requirements" "$env/.installed"; then exit 0; fi
fi
python=$(sh scripts/find_python.sh "$minor")
log=build/envs/$name.log
export PIP_CACHE_DIR="${PIP_CACHE_DIR:-$PWD/build/cache/pip}"
echo "slipway: making the environment $name with $("$python" --version) (a minute or two the first time)"
rm -rf "$env"
"$python" -m venv "$env" >"$log" 2>&1 &&
    "$env/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps -r "$requirements" >>"$log" 2>&1 &&
    "$env/bin/python" -m pip check >>"$log" 2>&1 || {
    echo "slipway: the environment $name could not be made: $(tail -n 1 "$log") (the whole log is in $log)" >&2
    exit 1
}
cp "$requirements" "$env/.installed"
