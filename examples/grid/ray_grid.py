"""Shares a grid among the workers of a Ray cluster and prints the lines of all parts.

    python ray_grid.py PARTS backtest --strategy s.toml --tape tape.jsonl.zst --vary target.bid.margin=0%..5%:1%

The binary (CLOREBID names it, else it is looked for in PATH), the strategy and the tapes must be on every node under
the same path. RAY_ADDRESS names a cluster; without it one of RAY_CPUS workers is started on this machine.
"""

import os
import subprocess
import sys

import ray


@ray.remote(num_cpus=1)
def part(number: int, parts: int, command: list[str], folder: str) -> tuple[int, str]:
    # One worker has one core, so the binary is told to use no more.
    told = [*command, "--json", "--jobs", "1", "--shard", f"{number}/{parts}"]
    done = subprocess.run(told, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"part {number}/{parts} ended with {done.returncode}: {done.stderr}")
    return os.getpid(), done.stdout


parts, command = int(sys.argv[1]), [os.environ.get("CLOREBID", "clorebid"), *sys.argv[2:]]
ray.init(num_cpus=None if "RAY_ADDRESS" in os.environ else int(os.environ.get("RAY_CPUS", "2")))
# All parts are asked for before the first is waited for; they are printed in order, whichever ends first.
done = ray.get([part.remote(n, parts, command, os.getcwd()) for n in range(1, parts + 1)])
sys.stdout.writelines(lines for _, lines in done)
print(f"{parts} parts by {len({worker for worker, _ in done})} workers", file=sys.stderr)
