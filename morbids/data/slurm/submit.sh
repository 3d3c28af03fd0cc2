#!/bin/bash
# Submit every participant who has not ended well, then the group level after them: submit.sh [participants|group]
# Run it again when some have failed: it submits those only. Made by `python -m morbids.slurm`; settings.sh is yours to edit.
set -euo pipefail
FOLDER=$(cd "$(dirname "$0")" && pwd)
export FOLDER
. "$FOLDER/settings.sh"
level=${1:-both}
mkdir -p "$FOLDER/logs" "$FOLDER/ended" "$FOLDER/seconds" "$FOLDER/lists" "$OUT" "$WORK"

# A list of its own for each call: elements of an array that still runs go on reading theirs.
LIST=$(mktemp "$FOLDER/lists/XXXXXX")
export LIST
while read -r participant; do
    [ "$(cat "$FOLDER/ended/$participant" 2>/dev/null)" = 0 ] || echo "$participant"
done <"$FOLDER/participants.txt" >"$LIST"
waiting=$(wc -l <"$LIST")

after=''
if [ "$level" != group ]; then
    for ((OFFSET = 0; OFFSET < waiting; OFFSET += LARGEST_ARRAY)); do
        size=$((waiting - OFFSET < LARGEST_ARRAY ? waiting - OFFSET : LARGEST_ARRAY))
        export OFFSET
        job=$(sbatch --parsable --array="1-$size%$AT_ONCE" --cpus-per-task="$CPUS" --mem="${MEMORY_MB}M" --time="$MINUTES" \
            --output="$FOLDER/logs/participants_%A_%a.log" "${SBATCH_OPTIONS[@]}" "$FOLDER/participants.sh")
        after=$after:${job%%;*}
        echo "participants: job ${job%%;*}, $size of $waiting"
    done
fi
if [ "$level" != participants ]; then
    # Whoever failed is listed on the group page with the reason: the others are analysed.
    job=$(sbatch --parsable ${after:+--dependency="afterany$after"} --cpus-per-task="$GROUP_CPUS" --mem="${GROUP_MEMORY_MB}M" \
        --time="$GROUP_MINUTES" --output="$FOLDER/logs/group_%j.log" "${SBATCH_OPTIONS[@]}" "$FOLDER/group.sh")
    echo "group: job ${job%%;*}"
fi
