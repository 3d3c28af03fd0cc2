#!/bin/bash
#SBATCH --job-name=morbids
#SBATCH --requeue
#SBATCH --open-mode=append
# One participant: the element of the array counts the lines of LIST from OFFSET on. Submitted by submit.sh, which sets them.
set -uo pipefail
. "$FOLDER/settings.sh"
participant=$(sed -n "$((OFFSET + SLURM_ARRAY_TASK_ID))p" "$LIST")
rm -f "$FOLDER/ended/$participant"
"${MORBIDS[@]}" "$BIDS" "$OUT" participant --participant-label "$participant" --work-dir "$WORK/$participant" \
    --nprocs "$CPUS" --mem-gb "$STEPS_GB" "${PARTICIPANT_OPTIONS[@]}"
code=$?
# For `python -m morbids.slurm --from-run`; a job that finds its work done takes no time and tells nothing new.
[ "$code" -ne 0 ] || [ -e "$FOLDER/seconds/$participant" ] || echo "$SECONDS" >"$FOLDER/seconds/$participant"
echo "$code" >"$FOLDER/ended/$participant"
exit "$code"
