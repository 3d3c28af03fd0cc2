#!/usr/bin/env bash
# Try morbids on a real Slurm of one node: scripts/test_slurm.sh [DIRECTORY]   (Debian, as root; default build/slurm)
#
# Four coarse participants, simulated: a plain run of both levels; the arrays of `python -m morbids.slurm`, which are submitted twice, where
# one job is requeued and one cancelled in the middle, then submitted again with the group level after it; and `--plugin SLURM`, a job per
# step, for both levels. All three must hold the same results. The commands are those of docs/hpc.md, with the folders of this trial.
# PARTICIPANTS (default 4; 3 at least) is for a shorter look.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
room=$(realpath -m "${1:-build/slurm}")
. scripts/start_slurm.sh
trap stop_slurm EXIT
rm -rf "$room"
start_slurm "$room/slurm"
# As where it is installed: modules are compiled once, not by every step that is a Python of its own.
unset PYTHONDONTWRITEBYTECODE
export PYTHONPATH=$root PATH=$root/.venv/bin:$PATH
cd "$room"

stage() { echo "test_slurm: $* ($SECONDS s)"; }
fail() { echo "test_slurm: $*" >&2; exit 1; }
as_documented() {  # NAME BEGINNING [FROM TO]...: into folders that end with this name
    local command name=$1 beginning=$2
    shift 2
    command=$("$root/scripts/take_command.sh" "$root/docs/hpc.md" "$beginning" /data/study "$room/bids" \
        /data/derivatives/morbids "$room/$name" /scratch/morbids "$room/work-$name" "$@")
    echo "test_slurm: $command" >&2
    eval "$command"
}
log_of() { echo "$room/jobs/logs/participants_$1_$2.log"; }  # JOB ELEMENT
wait_for_step() {  # until a job has finished a step: killed then, it has work to take up
    until grep -q ': done after' "$(log_of "$1" "$2")" 2>/dev/null; do sleep 0.5; done
}

python -m morbids.simulation bids --participants "${PARTICIPANTS:-4}" --tasks rejection --voxel-mm 8 --t1w-voxel-mm 3 --seed 1

stage "a plain run"
plain=("$room/bids" "$room/plain")
morbids "${plain[@]}" participant --work-dir "$room/work-plain" --nprocs 2
morbids "${plain[@]}" group --work-dir "$room/work-plain" --nprocs 2 --trait age

stage "arrays"
as_documented arrays "python -m morbids.slurm /data/study /data/derivatives/morbids jobs"
job=$(as_documented arrays "jobs/submit.sh participants" | sed -n 's/participants: job \([0-9]*\),.*/\1/p')
twice=$(as_documented arrays "jobs/submit.sh participants")
[ "$twice" = "participants: ${PARTICIPANTS:-4} not submitted again, as their jobs wait or run ($job)" ] || fail "submitted twice: $twice"
wait_for_step "$job" 1
scontrol requeue "${job}_1"
wait_for_step "$job" 2
scontrol update JobId="${job}_1" StartTime=now  # not after two minutes
scancel "${job}_2"
wait_for_jobs
[ "$(grep -c '^[0-9:]* morbids ' "$(log_of "$job" 1)")" -eq 2 ] || fail "the requeued job has not begun twice in its log"
again=$(as_documented arrays "jobs/submit.sh")
echo "$again"
grep -q ', 1 of 1$' <<<"$again" || fail "not just the cancelled participant was submitted again"
twice=$(as_documented arrays "jobs/submit.sh")
grep -q '^participants: 1 not submitted again' <<<"$twice" || fail "the cancelled participant was submitted twice: $twice"
[ "$(squeue --noheader --name=morbids-group | wc -l)" -eq 1 ] || fail "more than one group job is in the queue"
wait_for_jobs
[ "$(cat jobs/ended/* | sort -u)" = 0 ] || fail "a participant has not ended well"
as_documented arrays "python -m morbids.slurm --from-run jobs"
[ "$(as_documented arrays "jobs/submit.sh group" | grep -c '^group: job')" -eq 1 ] || fail "the group level alone was not submitted"
wait_for_jobs

stage "a job per step"
as_documented plugin "morbids /data/study /data/derivatives/morbids participant"
as_documented plugin "morbids /data/study /data/derivatives/morbids group"

stage "compared"
for name in arrays plugin; do python -m benchmarks.compare plain "$name"; done
stage "${PARTICIPANTS:-4} participants through arrays and plugin give the results of a plain run"
