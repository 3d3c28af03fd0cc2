#!/bin/bash
# Submit every participant who has not ended well and has no job in the queue, then the group level after them: submit.sh [participants|group]
# Run it again when some have failed: it submits those only. Made by `python -m morbids.slurm`; settings.sh is yours to edit.
set -euo pipefail
FOLDER=$(cd "$(dirname "$0")" && pwd -P)
. "$FOLDER/settings.sh"
level=${1:-both}
told() { local ids=${1#:}; echo "${ids//:/, }"; }
case $level in
participants | group | both) ;;
*)
    echo "submit.sh: '$level' is no level; it is participants or group, or nothing for both." >&2
    exit 64
    ;;
esac
mkdir -p "$FOLDER/logs" "$FOLDER/ended" "$FOLDER/seconds" "$FOLDER/lists" "$OUT" "$WORK"

# Of two calls at once the second waits, and finds in the queue what the first has submitted; file systems without locks let both go on.
exec {lock}<>"$FOLDER/settings.sh"
flock "$lock" || true
# Slurm itself tells which jobs of these scripts have not ended: a line has the job, the element of the array, and the script with its arguments.
queue=$(squeue --user="$(id -u)" --noheader --array --format='%F %K %o')
arrays='' groups=''
declare -A elements=()
while read -r job element command; do
    case $command in
    "$FOLDER/group.sh $FOLDER") groups=$groups:$job ;;
    "$FOLDER/participants.sh $FOLDER "*)
        read -r list offset <<<"${command#"$FOLDER/participants.sh $FOLDER "}"
        elements[$list]+=$((offset + element))p$'\n'
        [[ $arrays: == *:$job:* ]] || arrays=$arrays:$job
        ;;
    esac
done <<<"$queue"

if [ "$level" != group ]; then
    # grep ends with 1 where nothing is found.
    well=$({ grep -rlx 0 "$FOLDER/ended" || [ $? -eq 1 ]; } | sed 's|.*/||')
    queued=$(for one in "${!elements[@]}"; do sed -n -f - "$FOLDER/lists/$one" <<<"${elements[$one]}"; done)
    # A list of its own for each call: elements of an array that still runs go on reading theirs.
    list=$(mktemp "$FOLDER/lists/XXXXXX")
    grep -vxF -f <(printf '%s\n' "$well" "$queued") "$FOLDER/participants.txt" >"$list" || [ $? -eq 1 ]
    waiting=$(wc -l <"$list")
    [ "$waiting" -gt 0 ] || rm "$list"
    if [ -n "$queued" ]; then
        echo "participants: $(wc -l <<<"$queued") not submitted again, as their jobs wait or run ($(told "$arrays"))"
    elif [ "$waiting" -eq 0 ]; then
        echo "participants: all have ended well"
    fi
    for ((offset = 0; offset < waiting; offset += LARGEST_ARRAY)); do
        size=$((waiting - offset < LARGEST_ARRAY ? waiting - offset : LARGEST_ARRAY))
        job=$(sbatch --parsable --array="1-$size%$AT_ONCE" --cpus-per-task="$CPUS" --mem="${MEMORY_MB}M" --time="$MINUTES" \
            --output="$FOLDER/logs/participants_%A_%a.log" "${SBATCH_OPTIONS[@]}" \
            "$FOLDER/participants.sh" "$FOLDER" "${list##*/}" "$offset")
        arrays=$arrays:${job%%;*}
        echo "participants: job ${job%%;*}, $size of $waiting"
    done
fi
if [ "$level" != participants ]; then
    # One group job at a time, after all participants. One that waits gives its place to the new one; one that runs ends first.
    if [ -n "$groups" ]; then
        scancel --state=PENDING ${groups//:/ }
        echo "group: job $(told "$groups") gives its place to the next, or ends before it if it runs already"
    fi
    after=$arrays$groups
    # Whoever failed is listed on the group page with the reason: the others are analysed.
    job=$(sbatch --parsable ${after:+--dependency="afterany$after"} --cpus-per-task="$GROUP_CPUS" --mem="${GROUP_MEMORY_MB}M" \
        --time="$GROUP_MINUTES" --output="$FOLDER/logs/group_%j.log" "${SBATCH_OPTIONS[@]}" "$FOLDER/group.sh" "$FOLDER")
    echo "group: job ${job%%;*}"
fi
