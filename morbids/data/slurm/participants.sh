#!/bin/bash
#SBATCH --job-name=morbids
#SBATCH --requeue
#SBATCH --open-mode=append
# One participant, submitted by submit.sh: participants.sh FOLDER LIST OFFSET
# The element of the array counts the lines of FOLDER/lists/LIST from OFFSET on. By these words submit.sh finds in the queue whose job it is.
set -uo pipefail
FOLDER=$1
. "$FOLDER/settings.sh"
participant=$(sed -n "$(($3 + SLURM_ARRAY_TASK_ID))p" "$FOLDER/lists/$2")
rm -f "$FOLDER/ended/$participant"
"${MORBIDS[@]}" "$BIDS" "$OUT" participant --participant-label "$participant" --work-dir "$WORK/$participant" \
    --nprocs "$CPUS" --mem-gb "$STEPS_GB" "${PARTICIPANT_OPTIONS[@]}"
code=$?
# For `python -m morbids.slurm --from-run`; a job that finds its work done takes no time and tells nothing new.
[ "$code" -ne 0 ] || [ -e "$FOLDER/seconds/$participant" ] || echo "$SECONDS" >"$FOLDER/seconds/$participant"
echo "$code" >"$FOLDER/ended/$participant"
exit "$code"
