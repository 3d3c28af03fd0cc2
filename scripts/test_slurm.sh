#!/usr/bin/env bash
# Try morbids on a real Slurm of one node: scripts/test_slurm.sh [DIRECTORY]   (Debian, as root; default build/slurm)
#
# Four coarse participants, simulated: a plain run of both levels; the arrays of `python -m morbids.slurm`, where one job is requeued and one
# cancelled in the middle, then submitted again with the group level after it; and `--plugin SLURM`, a job per step, for both levels. All three must hold
# the same results. PLUGIN_PARTICIPANTS ("01 02"; default all) limits the third, which starts a Python per step: the others' results are copies then.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
room=$(realpath -m "${1:-build/slurm}")
python=$root/.venv/bin/python
export PYTHONPATH=$root DEBIAN_FRONTEND=noninteractive SLURM_CONF=$room/slurm/slurm.conf

[ "$(id -u)" -eq 0 ] || { echo "test_slurm: must run as root (slurmd starts jobs of users)" >&2; exit 1; }
missing=()
for tool in slurmctld slurmd munged; do
    command -v "$tool" >/dev/null || missing+=("${tool/munged/munge}")
done
if [ "${#missing[@]}" -gt 0 ]; then
    apt-get update -qq
    apt-get install -qq --yes --no-install-recommends "${missing[@]}" slurm-client
fi

rm -rf "$room"
mkdir -p "$room"/slurm/{state,spool}
started=()
cleanup() {
    squeue --noheader --format %A 2>/dev/null | xargs -r scancel 2>/dev/null && sleep 2 || true
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
}
trap cleanup EXIT

name=$(hostname -s)
memory=$(awk '/MemTotal/ {print int($2 / 1024)}' /proc/meminfo)
cat >"$SLURM_CONF" <<CONF
ClusterName=trial
SlurmctldHost=$name(127.0.0.1)
SlurmctldPort=36817
SlurmdPort=36818
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$room/slurm/munge.socket
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
RequeueExit=
KillWait=5
StateSaveLocation=$room/slurm/state
SlurmdSpoolDir=$room/slurm/spool
SlurmdPidFile=$room/slurm/slurmd.pid
SlurmctldPidFile=$room/slurm/slurmctld.pid
SlurmctldLogFile=$room/slurm/slurmctld.log
SlurmdLogFile=$room/slurm/slurmd.log
NodeName=$name NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$memory
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
sed -i '/^RequeueExit=$/d' "$SLURM_CONF"

dd if=/dev/urandom of="$room/slurm/munge.key" bs=1024 count=1 status=none
chmod 400 "$room/slurm/munge.key"
munged --force --foreground --socket="$room/slurm/munge.socket" --key-file="$room/slurm/munge.key" --pid-file="$room/slurm/munged.pid" \
    --log-file="$room/slurm/munged.log" --seed-file="$room/slurm/munged.seed" &
started+=($!)
slurmctld -D -i >/dev/null 2>&1 &
started+=($!)
slurmd -D -N "$name" >/dev/null 2>&1 &
started+=($!)
for _ in $(seq 60); do
    srun --immediate=5 hostname >/dev/null 2>&1 && break
    sleep 1
done
srun hostname >/dev/null || { tail -n 20 "$room"/slurm/*.log >&2; exit 1; }

jobs_left() { squeue --noheader --array | wc -l; }
wait_for_jobs() { while [ "$(jobs_left)" -gt 0 ]; do sleep 2; done; }
log_of() { echo "$room/scripts/logs/participants_$1_$2.log"; }  # JOB ELEMENT
wait_for_step() {  # until a job has finished a step: killed then, it has work to take up
    until grep -q ': done after' "$(log_of "$1" "$2")" 2>/dev/null; do sleep 0.5; done
}

options=(--task-label rejection --skip-bids-validation)
group_options=(--n-permutations 64)
"$python" -m morbids.simulation "$room/bids" --participants 4 --voxel-mm 8 --t1w-voxel-mm 3 --seed 1

echo "test_slurm: a plain run"
"$python" run.py "$room/bids" "$room/plain" participant --work-dir "$room/work-plain" --nprocs 2 "${options[@]}"
"$python" run.py "$room/bids" "$room/plain" group --work-dir "$room/work-plain" --nprocs 2 "${group_options[@]}"

echo "test_slurm: arrays"
"$python" -m morbids.slurm "$room/bids" "$room/arrays" "$room/scripts" --work-dir "$room/work-arrays" --cpus 1 \
    --participant "${options[*]}" --group "${group_options[*]}"
job=$("$room/scripts/submit.sh" participants | sed -n 's/participants: job \([0-9]*\),.*/\1/p')
wait_for_step "$job" 1
scontrol requeue "${job}_1"
scontrol update JobId="${job}_1" StartTime=now  # not after two minutes
wait_for_step "$job" 2
scancel "${job}_2"
wait_for_jobs
[ "$(grep -c '^[0-9:]* morbids ' "$(log_of "$job" 1)")" -eq 2 ] || { echo "test_slurm: the requeued job has not begun twice in its log" >&2; exit 1; }
again=$("$room/scripts/submit.sh")
echo "$again"
grep -q ', 1 of 1$' <<<"$again" || { echo "test_slurm: not just the cancelled participant was submitted again" >&2; exit 1; }
wait_for_jobs
[ "$(cat "$room"/scripts/ended/* | sort -u)" = 0 ] || { echo "test_slurm: a participant has not ended well" >&2; exit 1; }

echo "test_slurm: a job per step"
plugin=(--plugin SLURM --plugin-args '{"max_jobs": 20}' --work-dir "$room/work-plugin")
read -ra labels <<<"${PLUGIN_PARTICIPANTS:-01 02 03 04}"
cp -a "$room/plain" "$room/plugin"
rm -rf "$room/plugin/group"* "${labels[@]/#/$room/plugin/sub-}"
"$python" run.py "$room/bids" "$room/plugin" participant "${plugin[@]}" "${options[@]}" --participant-label "${labels[@]}"
"$python" run.py "$room/bids" "$room/plugin" group "${plugin[@]}" "${group_options[@]}"

"$python" -m benchmarks.compare "$room/plain" "$room/arrays"
"$python" -m benchmarks.compare "$room/plain" "$room/plugin"
echo "test_slurm: arrays and plugin give the results of a plain run"
