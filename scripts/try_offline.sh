#!/bin/sh
# One coarse participant and the group level in a network namespace without interfaces. Every call that would reach a network is traced and none
# may be made: not by the program, its workers, the validator or a registration.
# Usage: scripts/try_offline.sh    (needs strace and unshare; where users may not make namespaces, root)
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$python" -m morbids.simulation "$folder/bids" --participants 3 --voxel-mm 8 --t1w-voxel-mm 3 --seed 1 > "$folder/simulation.txt"

offline() {
    name=$1
    shift
    code=0
    unshare --net --map-root-user strace --follow-forks --seccomp-bpf --quiet=all --trace=connect,sendto,sendmsg,sendmmsg --signal=none \
        --output="$folder/$name.trace" "$python" run.py "$folder/bids" "$folder/out" "$@" --work-dir "$folder/work" > "$folder/$name.txt" 2>&1 || code=$?
    if [ "$code" -ne 0 ]; then
        tail -n 20 "$folder/$name.txt" >&2
        echo "try_offline: the $name level ended with exit code $code" >&2
        exit 1
    fi
    if grep AF_INET "$folder/$name.trace" >&2; then
        echo "try_offline: the $name level tried to reach a network" >&2
        exit 1
    fi
}

offline participant participant --task-label rejection
offline group group --n-permutations 16
echo "try_offline: participant and group made no attempt to reach a network"
