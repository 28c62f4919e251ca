"""Counts again, from the history's views alone, what a run cost: SQL, exact fractions, and none of the program's code.

    python3 examples/recompute.py clorebid.db [--run N] [--tape TAPE.jsonl] [--fee-percent 5] [--creation-fee 0.0001]

It prints one JSON object. Its keys mean what they mean in `clorebid backtest --json`; `spend` and `holdings` have the
columns of those views. A start for accounts of your own: it needs Python 3.11 and nothing else.

Two things are not in the views. Where a tape has gaps, and what renting on demand cost when, is in the tape: name it,
unpacked (`--tape`), or an effective cost that rests on it is null. What the venue adds to a price is in the strategy,
or is learned from the venue: then say it.
"""

import argparse
import json
import re
import sqlite3
import tomllib
from datetime import datetime, timedelta, timezone
from decimal import Context, Decimal
from fractions import Fraction
from itertools import pairwise

DAY = 86_400_000  # Every time and span below is in whole milliseconds.
CREATION_FEE_AFTER = 600_000
UNITS = {"d": DAY, "h": 3_600_000, "m": 60_000, "s": 1000}


def ms(text):
    epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (datetime.fromisoformat(text.replace("Z", "+00:00")) - epoch) // timedelta(milliseconds=1)


def span(text):
    return int(sum(Fraction(number) * UNITS[unit] for number, unit in re.findall(r"([\d.]+)([dhms])", text)))


def for_days(price_times_ms):
    """A sum of money: divided by the length of a day once, 18 places, half to even."""
    return Fraction(round(price_times_ms / DAY * 10**18), 10**18)


def show(number):
    """All its digits, and no zeros behind them."""
    exact = Context(prec=60).divide(Decimal(number.numerator), Decimal(number.denominator))
    return f"{exact.normalize(Context(prec=60)):f}"


def common(a, b):
    """How long two spans overlap."""
    return max(0, min(a[1], b[1]) - max(a[0], b[0]))


def rows(db, sql, *values):
    return [dict(row) for row in db.execute(sql, values)]


def read_tape(path, longest):
    """Its gaps, and each listing of the marketplace: when, and every server's prices on demand."""
    times, listings = [], []
    for line in open(path, encoding="utf-8"):
        record = json.loads(line, parse_float=Fraction, parse_int=Fraction)
        times.append(ms(record["at"]))
        if record["call"] == "marketplace" and record["status"] == 200 and record["body"]["code"] == 0:
            listings.append((times[-1], {s["id"]: s["price"]["on_demand"] for s in record["body"]["servers"]}))
    return [(a, b) for a, b in pairwise(times) if b - a > longest], listings


def worth(strategy, target, run, listings):
    """What a day without a server cost, piece by piece: (from, to, price); None where nothing tells."""
    per_day = target.get("value", {}).get("per_day", "on_demand")
    if per_day != "on_demand":
        return [(*run, Fraction(str(per_day)))]
    if not listings:
        return None
    prices, pieces = {}, []
    for _, listed in reversed(listings):  # Until it was first listed, a server costs what it did then.
        prices |= listed
    begins = [run[0], *(at for at, _ in listings[1:]), run[1]]
    for (_, listed), begin, end in zip(listings, begins, begins[1:]):
        prices |= listed
        offered = (prices.get(server, {}) for server in target.get("servers", prices))
        known = [price[strategy["currency"]] for price in offered if strategy["currency"] in price]
        pieces.append((begin, end, min(known, default=Fraction(str(strategy["limits"]["max_bid"])))))
    return pieces


def account(target, pieces, gaps, held):
    """What the time without a server cost, the restarts, and what renting on demand throughout would have."""
    unheld, throughout, want = 0, 0, target.get("want", 1)
    for begin, end, price in pieces:
        told = end - begin - sum(common(gap, (begin, end)) for gap in gaps)
        throughout += price * want * told
        unheld += price * (want * told - sum(common((s["from"], s["to"]), (begin, end)) for s in held))
    each = str(target.get("value", {}).get("restart_cost", "10m"))
    restarts = Fraction(0)
    for stretch in held:
        if stretch["begins"]:
            price = next(price for begin, _, price in reversed(pieces) if begin <= stretch["from"])
            restarts += for_days(price * span(each)) if each[-1] in UNITS else Fraction(each)
    return unheld, restarts, throughout


def by_day(run_id, currency, held, charges, percent, told):
    """The view `spend`: a stretch over midnight counts in each day for its part."""
    ends = [s["to"] for s in held] + [at for at, _ in charges]
    for day in range(min((s["from"] for s in held), default=0) // DAY, max(ends, default=-1) // DAY + 1):
        parts = [(s["bid"], common((s["from"], s["to"]), (day * DAY, day * DAY + DAY))) for s in held]
        total, time = sum(bid * part for bid, part in parts), sum(part for _, part in parts)
        charged = [amount for at, amount in charges if at // DAY == day]
        if time or charged:
            name = (datetime(1970, 1, 1) + timedelta(days=day)).strftime("%Y-%m-%d")
            cost, fees = show(for_days(total)), show(for_days(total * percent / 100) + sum(charged))
            venue = told.get(name)
            difference = None if venue is None else show(for_days(total) - Fraction(venue))
            yield dict(run_id=run_id, day=name, currency=currency, cost=cost, fees=fees, held_seconds=time // 1000,
                       venue_cost=venue, difference=difference)


def recompute(db, args):
    run = rows(db, "SELECT * FROM runs WHERE run_id = coalesce(?, (SELECT max(run_id) FROM runs))", args.run)[0]
    run_id, strategy = run["run_id"], tomllib.loads(run["strategy_toml"])
    whole, venue = (ms(run["started_at"]), ms(run["ended_at"])), strategy.get("venue", {})
    percent = Fraction(args.fee_percent or str(venue.get("fee_percent", "1.25")))
    creation_fee = Fraction(args.creation_fee or str(venue.get("creation_fee", "0")))
    gaps, listings = read_tape(args.tape, span(args.gap)) if args.tape else ([], [])

    holdings = rows(db, "SELECT * FROM holdings WHERE run_id = ? ORDER BY from_at, offer_id, to_at", run_id)
    held, last = [], {}
    for row in holdings:
        begin, end, order = ms(row["from_at"]), ms(row["to_at"] or run["ended_at"]), (row["server"], row["offer_id"])
        row["cost"] = show(for_days(Fraction(row["bid"]) * (end - begin)))
        # A restart is a stretch that does not go on where the same order held before, or after a gap of the tape.
        goes_on = last.get(order) == begin or (last.get(order), begin) in gaps
        bid = Fraction(row["bid"])
        held.append({"target": row["target"], "from": begin, "to": end, "bid": bid, "begins": not goes_on})
        last[order] = end
    cost = for_days(sum(s["bid"] * (s["to"] - s["from"]) for s in held))
    held_ms = sum(s["to"] - s["from"] for s in held)

    bids = rows(db, "SELECT * FROM bids WHERE run_id = ? ORDER BY seq", run_id)
    done = [bid for bid in bids if bid["outcome"] == "applied"]
    charges = []
    for place in (bid for bid in done if bid["action"] == "place"):
        gone = rows(
            db,
            """SELECT min(at) AS at FROM (
                   SELECT seq, server, at FROM bids WHERE run_id = ?1 AND action = 'cancel' AND outcome = 'applied'
                   UNION ALL
                   SELECT seq, server, at FROM states WHERE run_id = ?1 AND to_state = 'ended'
               ) WHERE server = ?2 AND seq > ?3""",
            run_id, place["server"], place["seq"],
        )[0]["at"]
        charged_at = ms(place["at"]) + CREATION_FEE_AFTER
        if creation_fee and charged_at <= ms(gone or run["ended_at"]):
            charges.append((charged_at, creation_fee))
    told = rows(db, "SELECT code, amount FROM notices WHERE run_id = ? AND kind = 'venue_spend' ORDER BY at", run_id)
    told = {row["code"]: row["amount"] for row in told}
    fees = cost * percent / 100 + sum(amount for _, amount in charges)

    wanted = (whole[1] - whole[0] - sum(b - a for a, b in gaps)) * sum(t.get("want", 1) for t in strategy["target"])
    accounts = []
    for target in strategy["target"]:
        own, pieces = [s for s in held if s["target"] == target["name"]], worth(strategy, target, whole, listings)
        accounts.append(account(target, pieces, gaps, own) if pieces else None)
    effective = throughout = None
    if None not in accounts:
        unheld, restarts, throughout = (sum(column) for column in zip(*accounts))
        effective, throughout = show(cost + fees + restarts + for_days(unheld)), show(for_days(throughout))

    def count(action, reason=""):
        return sum(bid["action"] == action and bid["reason"].startswith(reason) for bid in done)

    return {
        "run": run_id,
        "strategy": run["strategy"],
        "from": run["started_at"],
        "to": run["ended_at"],
        "seconds": show(Fraction(whole[1] - whole[0], 1000)),
        "gap_seconds": show(Fraction(sum(b - a for a, b in gaps), 1000)),
        "wanted_server_seconds": show(Fraction(wanted, 1000)),
        "held_server_seconds": show(Fraction(held_ms, 1000)),
        "cost": show(cost),
        "fees": show(fees),
        "restarts": sum(s["begins"] for s in held),
        "effective_cost": effective,
        "on_demand_cost": throughout,
        "places": count("place"),
        "raises": count("raise"),
        "lowerings": count("lower"),
        "cancels": count("cancel"),
        "replaces": count("cancel", "bidding anew"),
        "moves": count("cancel", "moving to"),
        "refusals": len(bids) - len(done),
        "requests": rows(db, "SELECT count(*) AS n FROM requests WHERE run_id = ?", run_id)[0]["n"],
        "spend": list(by_day(run_id, strategy["currency"], held, charges, percent, told)),
        "holdings": holdings,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("db")
    parser.add_argument("--run", type=int, help="its number; the newest if not said")
    parser.add_argument("--tape", help="what the run was a backtest of")
    parser.add_argument("--gap", default="1d", help="longer than this without a record is a gap of the tape")
    parser.add_argument("--fee-percent", help="what the venue adds to every price")
    parser.add_argument("--creation-fee", help="what an order costs that stands ten minutes")
    args = parser.parse_args()
    with sqlite3.connect(f"file:{args.db}?mode=ro", uri=True) as db:
        db.row_factory = sqlite3.Row
        print(json.dumps(recompute(db, args)))


main()
