#!/bin/sh
# Prints the path of a Python 3.13: from PATH, then pyenv, then uv.
set -eu
is_313() {
    [ -x "$1" ] && [ "$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = 3.13 ]
}
for name in python3.13 python3 python; do
    found=$(command -v "$name" 2>/dev/null || true)
    if [ -n "$found" ] && is_313 "$found"; then echo "$found"; exit 0; fi
done
root=${PYENV_ROOT:-${HOME:-/nonexistent}/.pyenv}
for found in "$root"/versions/3.13*/bin/python; do
    if is_313 "$found"; then echo "$found"; exit 0; fi
done
if command -v uv >/dev/null 2>&1; then
    found=$(uv python find 3.13 2>/dev/null || true)
    if [ -n "$found" ] && is_313 "$found"; then echo "$found"; exit 0; fi
fi
echo "slipway: Python 3.13 was not found on PATH, in pyenv or in uv: install it (for example 'pyenv install 3.13') and run this again." >&2
exit 1
