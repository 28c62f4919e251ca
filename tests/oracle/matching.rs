//! The oracle takes the servers that `match` takes, and no others: what the bot may not bid on, it may not either.

use std::fmt::Write as _;

use clorebid::backtest::{Bounds, Ran, Recorded, Rivals, VenueRules, bounds, run};
use clorebid::clock::rfc3339;
use clorebid::core::money::{Amount, Price};
use clorebid::core::strategy::Strategy;
use clorebid::core::time::{Span, Time};
use clorebid::tape::{Reader, Series, SeriesOptions};
use rust_decimal::Decimal;

use crate::support::Dice;

const START: i64 = 1_767_225_600;
const MINUTE: i64 = 60;
/// The server that is never as wanted.
const OTHER: u32 = 3;

/// Servers 1 and 2 are RTX 4090s whose floors and rivals change at whole minutes; server 3 is another card, and cheaper to
/// bid on and to rent than either. `falls_out`: what the list says of the first two changes too, and at times none fits.
fn tape(dice: &mut Dice, falls_out: bool) -> Vec<(u32, String)> {
    let mut lines = vec![(0, listing(0, &[(1, "RTX 4090", 70), (2, "RTX 4090", 80), (OTHER, "RTX 3060", 9)]))];
    let mut now = 0;
    for step in 0..dice.roll(12, 40) {
        let server = if step < 3 { step + 1 } else { dice.roll(1, 3) };
        if step > 3 && dice.roll(0, 2) == 0 {
            let gpu = match (server, falls_out && dice.roll(0, 2) == 0) {
                (OTHER, _) => "RTX 3060",
                (_, true) => "RTX 4090 D",
                _ => "RTX 4090",
            };
            let on_demand = if server == OTHER { dice.roll(4, 9) } else { dice.roll(30, 90) };
            lines.push((server, listing(now, &[(server, gpu, on_demand)])));
        } else {
            let bid = if server == OTHER { dice.roll(1, 2) } else { dice.roll(5, 60) };
            lines.push((server, market(now, server, bid)));
        }
        // The first three make every server known at once.
        now += if step < 2 { 0 } else { i64::from(dice.roll(1, 12)) * MINUTE };
    }
    lines.push((0, market(now, 1, 10)));
    lines
}

fn line(at: i64, call: &str, args: &str, body: &str) -> String {
    let at = rfc3339(Time::from_secs(START + at));
    format!("{{\"at\":\"{at}\",\"call\":\"{call}\",\"args\":{args},\"status\":200,\"body\":{body}}}\n")
}

fn listing(at: i64, servers: &[(u32, &str, u32)]) -> String {
    let mut rows = String::new();
    for (id, gpu, on_demand) in servers {
        let comma = if rows.is_empty() { "" } else { "," };
        let _ = write!(
            rows,
            r#"{comma}{{"id":{id},"price":{{"on_demand":{{"USD-Blockchain":{on_demand}e-1}},"spot":{{"USD-Blockchain":0.1}}}},"rented":false,"specs":{{"gpu":"1x NVIDIA GeForce {gpu}","ram":64}}}}"#
        );
    }
    line(at, "marketplace", "{}", &format!(r#"{{"servers":[{rows}],"my_servers":[],"code":0}}"#))
}

fn market(at: i64, server: u32, bid: u32) -> String {
    let body = format!(
        r#"{{"market":{{"offers":[{{"offer_id":{},"bid":{bid}e-1,"active":true,"my":false}}],"server":{{"min_pricing":{{"USD-Blockchain":0.1}},"mrl":2592000,"visibility":"public","online":true}}}},"exists":true,"code":0}}"#,
        70 + server
    );
    line(at, "spot_marketplace", &format!(r#"{{"market":{server}}}"#), &body)
}

fn recorded<'a>(lines: impl Iterator<Item = &'a (u32, String)>) -> Recorded {
    let text: String = lines.map(|(_, line)| line.as_str()).collect();
    let reader = Reader::from_read("made-up", std::io::Cursor::new(text.into_bytes())).expect("a tape");
    Recorded::new(
        Series::read(reader, &SeriesOptions { servers: Vec::new(), gap: Some(Span::DAY.times(2)) }).expect("a series"),
    )
}

fn strategy(selection: &str, want: u32) -> Strategy {
    let text = format!(
        "name = \"made\"\ncurrency = \"USD-Blockchain\"\n[limits]\nmax_bid = \"8\"\n[venue]\ntick = \"0.001\"\n\
         step = \"0.3\"\nfee_percent = 0\n[[target]]\nname = \"t\"\n{selection}\nwant = {want}\n[target.value]\n\
         per_day = \"on_demand\"\nrestart_cost = \"10m\"\n[target.bid]\npolicy = \"follow\"\n"
    );
    clorebid::strategy::read(&text, "s.toml").expect("a strategy").strategy
}

const MATCH: &str = "match = { gpu = \"RTX 4090\" }";

fn measured(strategy: &Strategy, recorded: &Recorded) -> (Ran, Bounds) {
    let rules = VenueRules {
        tick: Price::parse("0.001").expect("a price"),
        step: Price::parse("0.3").expect("a price"),
        lower_every: Span::from_secs(600),
        creation_fee: Amount::ZERO,
        fee_percent: Decimal::ZERO,
    };
    let ran = run(strategy, recorded, &rules, Rivals::Static, true, &mut |_, _, _, _| {});
    (ran, bounds(strategy, recorded, &rules, Span::from_secs(MINUTE)).expect("benchmarks"))
}

#[test]
fn a_cheaper_server_that_does_not_match_changes_no_benchmark() {
    let mut dice = Dice::new(41);
    let mut cheaper = 0;
    for round in 0..60 {
        let lines = tape(&mut dice, false);
        let (with, without) = (recorded(lines.iter()), recorded(lines.iter().filter(|(server, _)| *server != OTHER)));
        let want = 1 + round % 2;
        let matching = strategy(MATCH, want);
        let (ran, found) = measured(&matching, &with);
        let text: String = lines.iter().map(|(_, line)| line.as_str()).collect();
        assert_eq!(found, measured(&strategy("servers = [1, 2]", want), &without).1, "named\n{text}");
        assert_eq!(found, measured(&strategy("servers = [1, 2]", want), &with).1, "the other is on the tape\n{text}");
        assert_eq!(found.on_demand_cost, ran.on_demand_cost, "a day is worth the same to the run\n{text}");
        let any = measured(&strategy("servers = [1, 2, 3]", want), &with).1;
        cheaper += u32::from(any.oracle_cost < found.oracle_cost && any.on_demand_cost < found.on_demand_cost);
    }
    assert_eq!(cheaper, 60, "the other server would have made it cheaper each time");
}

#[test]
fn no_run_costs_less_than_the_oracle_while_servers_cease_to_match_and_match_again() {
    let mut dice = Dice::new(42);
    let mut kept = 0;
    for round in 0..150 {
        let lines = tape(&mut dice, true);
        let text: String = lines.iter().map(|(_, line)| line.as_str()).collect();
        let recorded = recorded(lines.iter());
        let (ran, found) = measured(&strategy(MATCH, 1 + round % 2), &recorded);
        assert!(found.oracle_cost <= ran.effective_cost, "{} < {}\n{text}", ran.effective_cost, found.oracle_cost);
        assert_eq!(found.on_demand_cost, ran.on_demand_cost, "{text}");
        let is_other = |holding: &clorebid::backtest::Holding| {
            let listed = recorded.series().servers[&holding.server].listed_at(holding.stretch.from);
            listed.is_some_and(|listed| listed.gpu.ends_with('D'))
        };
        kept += u32::from(ran.holdings.iter().any(is_other));
    }
    assert!(kept > 20, "in {kept} of 150 an order was kept though its server had ceased to match");
}

#[test]
fn a_server_counts_from_its_first_listing_on_that_matches() {
    let hour = 60 * MINUTE;
    let lines = |gpu: &str| {
        [
            (0, listing(0, &[(1, gpu, 90)])),
            (0, market(0, 1, 10)),
            (0, listing(hour, &[(1, "RTX 4090", 90)])),
            (0, market(3 * hour, 1, 10)),
        ]
    };
    let oracle_cost = |gpu: &str| {
        let (ran, found) = measured(&strategy(MATCH, 1), &recorded(lines(gpu).iter()));
        assert!(found.oracle_cost <= ran.effective_cost);
        found.oracle_cost
    };
    // Ten minutes of 9 a day to begin, and 1.001 a day for three hours, or 9 for one and that for two.
    assert_eq!(oracle_cost("RTX 4090"), Amount::parse("0.187625").expect("an amount"));
    assert_eq!(oracle_cost("RTX 4090 D"), Amount::parse("0.520916666666666667").expect("an amount"));
}

#[test]
fn where_nothing_matches_the_oracle_rents_on_demand_as_the_run_does() {
    let lines = [(0, listing(0, &[(OTHER, "RTX 3060", 9)])), (0, market(0, OTHER, 1)), (0, market(86_400, OTHER, 1))];
    let (ran, found) = measured(&strategy(MATCH, 1), &recorded(lines.iter()));
    // Nobody names a price, so that the highest bid counts.
    assert_eq!(ran.effective_cost, Amount::parse("8").expect("an amount"));
    assert_eq!([found.oracle_cost, found.oracle_upper, found.on_demand_cost], [ran.effective_cost; 3]);
}

#[test]
fn a_server_of_our_own_counts_no_more_than_it_is_bid_on() {
    let ours =
        listing(0, &[(1, "RTX 4090", 70), (2, "RTX 4090", 80)]).replace("\"my_servers\":[]", "\"my_servers\":[1]");
    let lines =
        [(0, ours), (0, market(0, 1, 1)), (0, market(0, 2, 20)), (0, market(86_400, 1, 1)), (0, market(86_400, 2, 20))];
    let of = |selection: &str| {
        let (ran, found) = measured(&strategy(selection, 1), &recorded(lines.iter()));
        assert!(ran.holdings.iter().all(|stretch| stretch.server.0 == 2), "{selection}");
        found
    };
    assert_eq!(of(MATCH), of("servers = [2]"));
    assert_eq!(of("servers = [1, 2]"), of("servers = [2]"));
}
