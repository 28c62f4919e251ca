#!/bin/bash
# One grid over eight array tasks:
#   sbatch slurm.sh strategy.toml tape.jsonl.zst
# and, when all of them have ended:
#   cat grid-*.jsonl > grid.jsonl
#SBATCH --job-name=grid
#SBATCH --array=1-8
#SBATCH --cpus-per-task=2
#SBATCH --mem=512M
#SBATCH --time=01:00:00
set -euo pipefail

# The array begins at 1, as --shard does, so that its last number is how many parts there are.
part="$SLURM_ARRAY_TASK_ID"
out="$(printf 'grid-%03d.jsonl' "$part")"

# A part that fails leaves no file that could be taken for a whole one.
clorebid backtest --strategy "$1" --tape "$2" --json --jobs "${SLURM_CPUS_PER_TASK:-1}" \
    --vary limits.max_bid=0.00003..0.00006:0.00001 --vary target.bid.margin=0%..5%:0.5% \
    --shard "$part/$SLURM_ARRAY_TASK_MAX" > "$out.part"
mv "$out.part" "$out"
