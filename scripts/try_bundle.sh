#!/usr/bin/env bash
# Try the Nipoppy bundle and the Boutiques descriptor as docs/hpc.md says: scripts/try_bundle.sh. Nipoppy and Boutiques get an environment of their own;
# the command that Boutiques makes of an invocation is then run, as a dry run on a simulated participant.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
room=$(mktemp -d "${TMPDIR:-/tmp}/morbids-bundle.XXXXXX")
trap 'rm -rf "$room"' EXIT
export PYTHONPATH=$root
python=$(PYTHON="${PYTHON:-}" sh scripts/find_python.sh)
"$python" -m venv "$room/env"
"$room/env/bin/python" -m pip install --quiet boutiques==0.5.33 nipoppy==0.4.8
PATH=$root/.venv/bin:$PATH:$room/env/bin
python -m morbids.simulation "$room/bids" --participants 1 --tasks rejection --voxel-mm 8 --t1w-voxel-mm 3 --seed 1 >"$room/simulation.txt"
cat >"$room/invocation.json" <<JSON
{"bids_dir": "$room/bids", "output_dir": "$room/out", "analysis_level": "participant", "participant_label": ["01"], "dry_run": true}
JSON
cd "$room"

as_documented() {  # BEGINNING of a command of docs/hpc.md, run on the files of this checkout
    local line
    line=$("$root/scripts/take_command.sh" "$root/docs/hpc.md" "$1" docs/nipoppy "$root/docs/nipoppy")
    echo "try_bundle: $line" >&2
    eval "$line"
}
as_documented "nipoppy pipeline validate"
as_documented "nipoppy init"
as_documented "nipoppy pipeline install"
as_documented "bosh validate"
command=$(as_documented "bosh exec simulate" | grep '^morbids ')
$command | tail -n 1 | grep "^Exit code 0; nothing was computed or written.$"
echo "try_bundle: Nipoppy takes the bundle, and the command of Boutiques runs: $command"
