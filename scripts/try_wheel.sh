#!/bin/sh
# Build the wheel and try it in an environment of its own: scripts/try_wheel.sh [DIRECTORY]. DIRECTORY (default dist) receives it.
# PYTHON chooses the Python of that environment.
set -eu
cd "$(dirname "$0")/.."
out=$(realpath -m "${1:-dist}")
room=$(mktemp -d "${TMPDIR:-/tmp}/morbids-wheel.XXXXXX")
trap 'rm -rf "$room"' EXIT
python=$(PYTHON="${PYTHON:-}" sh scripts/find_python.sh)
rm -f "$out"/morbids-*.whl
.venv/bin/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir "$out" .
"$python" -m venv "$room/env"
"$room/env/bin/python" -m pip install --quiet --require-hashes -r requirements.lock
"$room/env/bin/python" -m pip install --quiet --no-deps "$out"/morbids-*.whl
cd "$room"
for command in "morbids --version" "python -m morbids.fit --help" "python -m morbids.figures --help" "python -m morbids.simulation --help"; do
    env/bin/$command >/dev/null || { echo "try_wheel: '$command' does not run from the wheel" >&2; exit 1; }
done
env/bin/python -m morbids.simulation bids --participants 1 --voxel-mm 8 --seed 1 >/dev/null
echo "try_wheel: $(ls "$out"/morbids-*.whl) runs in a clean environment ($("$python" --version))"
