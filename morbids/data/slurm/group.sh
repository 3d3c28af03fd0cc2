#!/bin/bash
#SBATCH --job-name=morbids-group
#SBATCH --requeue
#SBATCH --open-mode=append
# The group level. Submitted by submit.sh.
set -uo pipefail
. "$FOLDER/settings.sh"
exec "${MORBIDS[@]}" "$BIDS" "$OUT" group --work-dir "$WORK/group" --nprocs "$GROUP_CPUS" --mem-gb "$GROUP_STEPS_GB" \
    "${GROUP_OPTIONS[@]}"
