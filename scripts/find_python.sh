#!/bin/sh
# Prints the path of a Python of the minor version given (3.13 without): from PATH, then pyenv, then uv.
set -eu
wanted=${1:-3.13}
is_wanted() {
    [ -x "$1" ] && [ "$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$wanted" ]
}
for name in "python$wanted" python3 python; do
    found=$(command -v "$name" 2>/dev/null || true)
    if [ -n "$found" ] && is_wanted "$found"; then echo "$found"; exit 0; fi
done
root=${PYENV_ROOT:-${HOME:-/nonexistent}/.pyenv}
for found in "$root"/versions/"$wanted".*/bin/python; do
    if is_wanted "$found"; then echo "$found"; exit 0; fi
done
if command -v uv >/dev/null 2>&1; then
    found=$(uv python find "$wanted" 2>/dev/null || true)
    if [ -n "$found" ] && is_wanted "$found"; then echo "$found"; exit 0; fi
fi
echo "slipway: Python $wanted was not found on PATH, in pyenv or in uv: install it (for example 'pyenv install $wanted') and run this again." >&2
exit 1
