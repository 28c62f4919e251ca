"""A backtest of one server beside hftbacktest on the same quotes, in turns, medians of some rounds.

    cargo build --release
    python3 -m venv /tmp/beside && /tmp/beside/bin/pip install hftbacktest==2.4.4 zstandard
    CLOREBID_TAPES=… /tmp/beside/bin/python benches/beside_hftbacktest.py [ROUNDS]

Its wheels are for CPython 3.11 and newer. The tape is `aws-g2-2015`, of which both replay server 101; CLOREBID names
another binary than `target/release/clorebid`.

What both do: one order follows the rival's price by the rules of the strategy below. It goes to 2 % above the least
winning bid when outbid, and down by at most four ticks once in 600 s. What is timed is the replay alone. Reading the
tape, building either market, compiling with numba (one run goes before) and clorebid's benchmarks are left out; the time of
clorebid's whole process is printed beside it.

What differs. hftbacktest keeps an order book in floats, with queues, latencies and fills, which are idle here, and runs
a dozen lines of numba at each look. clorebid runs the whole core of a live run on exact decimals: it chooses between
several reads a second apart, asks policies and limits, asserts its invariants, is refused and evicted, and counts what
holding cost. So a look is not the same work on both sides. The quotes and the looks are the same, and the re-pricings
come out alike, which the counts of raises and lowerings show.

How often is looked:
- every look: hftbacktest elapses 1.05 s at a time, clorebid takes each of its reads (`--no-jump`), which no user does.
- as soon: hftbacktest waits for the next quote or the next lowering; clorebid jumps over the reads that repeat the last
  one (its default) and is tested to do the same as with every look.
- coarse: hftbacktest looks every 600 s, and so learns of an outbid ten minutes late.
"""

import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import hftbacktest as hft
import numpy as np
import zstandard
from hftbacktest.types import event_dtype
from numba import njit

SERVER, TICK, MAX_BID, STEP, SECOND = 101, 0.0024, 6500, 4, 10**9  # Bids are in ticks, times in nanoseconds.
STRATEGY = """
name = "beside"
currency = "USD-Blockchain"
[limits]
max_bid = "15.6"
[venue]
tick = "0.0024"
step = "0.0096"
[[target]]
name = "t"
servers = [101]
[target.bid]
policy = "follow"
open = "rival"
margin = "2%"
replace = "never"
"""


def quotes(tape):
    """(time, price in ticks) of every change of the rival's price."""
    changes = []
    with open(tape, "rb") as packed:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(packed), encoding="utf-8"):
            record = json.loads(line)
            if record["call"] == "spot_marketplace" and record["args"]["market"] == SERVER:
                at = datetime.fromisoformat(record["at"].replace("Z", "+00:00"))
                price = round(record["body"]["market"]["offers"][0]["bid"] / TICK)
                if not changes or changes[-1][1] != price:
                    changes.append((round(at.timestamp() * 1000) * 10**6, price))
    return changes


def events(changes):
    """The same as depth: the new best bid comes and the former goes; the best ask is out of reach throughout."""
    both, rows, last = hft.EXCH_EVENT | hft.LOCAL_EVENT | hft.DEPTH_EVENT, [], None
    rows.append((both | hft.SELL_EVENT, changes[0][0], changes[0][0], 180.0, 1.0, 0, 0, 0))
    for at, price in changes:
        rows.append((both | hft.BUY_EVENT, at, at, price * TICK, 1.0, 0, 0, 0))
        if last is not None:
            rows.append((both | hft.BUY_EVENT, at, at, last * TICK, 0.0, 0, 0, 0))
        last = price
    return np.array(rows, dtype=event_dtype)


@njit
def follow(market, every, at_quotes):
    """Looks, raises and lowerings until the quotes end."""
    looks = raises = lowerings = bid = next_lower = 0
    while True:
        wait = every
        if at_quotes and bid > 0 and next_lower > market.current_timestamp:
            wait = next_lower - market.current_timestamp
        ended = market.wait_next_feed(False, wait) if at_quotes else market.elapse(wait)
        if ended == 1:
            return looks, raises, lowerings
        looks += 1
        least = market.depth(0).best_bid_tick + 1
        goal = min((least * 102 + 99) // 100, MAX_BID)
        if bid == 0:
            if least <= MAX_BID:
                bid = goal
                market.submit_buy_order(0, 1, bid * TICK, 1.0, hft.GTC, hft.LIMIT, False)
        elif bid < least:
            if least <= MAX_BID:
                bid, raises = goal, raises + 1
                market.modify(0, 1, bid * TICK, 1.0, False)
        elif bid > goal and market.current_timestamp >= next_lower:
            bid, lowerings = max(goal, bid - STEP), lowerings + 1
            next_lower = market.current_timestamp + 600 * SECOND
            market.modify(0, 1, bid * TICK, 1.0, False)


def theirs(depth, every, at_quotes):
    """Seconds, looks, changes. Its book by array is the faster of the two it has."""
    asset = (
        hft.BacktestAsset()
        .data(depth)
        .linear_asset(1.0)
        .constant_order_latency(0, 0)
        .risk_adverse_queue_model()
        .no_partial_fill_exchange()
        .trading_value_fee_model(0, 0)
        .tick_size(TICK)
        .lot_size(1.0)
        .roi_lb(0.0)
        .roi_ub(200.0)
    )
    market = hft.ROIVectorMarketDepthBacktest([asset])
    begun = time.perf_counter()
    looks, raises, lowerings = follow(market, every, at_quotes)
    took = time.perf_counter() - begun
    market.close()
    return took, looks, (raises, lowerings)


def ours(tape, more):
    """Seconds, looks, changes, and seconds of the whole process."""
    with tempfile.TemporaryDirectory() as folder:
        strategy = Path(folder, "s.toml")
        strategy.write_text(STRATEGY, encoding="utf-8")
        binary = os.environ.get("CLOREBID", Path(__file__).parent.parent / "target/release/clorebid")
        command = [binary, "backtest", "--strategy", strategy, "--tape", tape, "--json", *more]
        begun = time.perf_counter()
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        whole = time.perf_counter() - begun
    told = json.loads(said)
    return float(told["wall_seconds"]), told["requests"], (told["raises"], told["lowerings"]), whole


def main():
    if "CLOREBID_TAPES" not in os.environ:
        sys.exit("CLOREBID_TAPES is not set: there are no quotes to replay")
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    tape = Path(os.environ["CLOREBID_TAPES"], "aws-g2-2015/tape.jsonl.zst")
    changes = quotes(tape)
    depth, few, second = events(changes), events(changes[:9]), round(1.05 * SECOND)
    print(f"hftbacktest {version('hftbacktest')}, numba {version('numba')}, CPython {sys.version.split()[0]}")
    days = (changes[-1][0] - changes[0][0]) / SECOND / 86400
    print(f"{len(changes)} quotes in {days:.1f} days, {rounds} rounds")
    variants = {
        "hftbacktest, every look": lambda: theirs(depth, second, False),
        "hftbacktest, as soon": lambda: theirs(depth, 600 * SECOND, True),
        "hftbacktest, coarse": lambda: theirs(depth, 600 * SECOND, False),
        "clorebid, every look": lambda: ours(tape, ["--no-jump"]),
        "clorebid, as soon": lambda: ours(tape, []),
    }
    theirs(few, second, False)
    all_runs = [{name: run() for name, run in variants.items()} for _ in range(rounds)]
    for name in variants:
        runs = [each[name] for each in all_runs]
        took, (looks, (raises, lowerings)) = statistics.median(run[0] for run in runs), runs[0][1:3]
        print(f"{name}: {took * 1000:.1f} ms, {looks} looks, {raises} raises, {lowerings} lowerings", end="; a second ")
        rates = [len(changes) / took, looks / took, (raises + lowerings) / took]
        print("{:,.0f} quotes, {:,.0f} looks, {:,.0f} changes".format(*rates), end="")
        print(f"; the whole process {statistics.median(run[3] for run in runs):.3f} s" if len(runs[0]) > 3 else "")
    pairs = [("every look", "every look"), ("as soon", "every look"), ("as soon", "as soon"), ("as soon", "coarse")]
    for us, them in pairs:
        ratios = sorted(each[f"clorebid, {us}"][0] / each[f"hftbacktest, {them}"][0] for each in all_runs)
        median, least, most = statistics.median(ratios), ratios[0], ratios[-1]
        print(f"clorebid, {us}: {median:.2f} times the time of hftbacktest, {them} ({least:.2f} to {most:.2f})")


main()
