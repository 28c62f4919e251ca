//! No answers whatever make the core panic: each line of the bytes is the body of the next answer, its first byte the
//! status. The core's own walls (no bid above a limit, no second order) are asserted in it.

use clorebid::api;
use clorebid::core::engine::{Engine, Next};
use clorebid::core::time::{Span, Time};
use clorebid::strategy;
use clorebid::wire::Reply;

const STRATEGY: &str = r#"
name = "fuzzed"
currency = "bitcoin"
[limits]
max_bid = "0.00006"
max_daily_cost = "0.0001"
[[target]]
name = "named"
want = 2
servers = [6, 17, 23]
[[target]]
name = "described"
match = { gpu = "RTX 4090" }
[target.bid]
policy = "ladder"
open = "0.00005"
"#;

pub(crate) fn check(bytes: &[u8]) {
    let file = strategy::read(STRATEGY, "fuzzed.toml").expect("a strategy");
    let mut now = Time::from_ms(1_700_000_000_000);
    let mut engine = Engine::new(file.strategy, false);
    for line in bytes.split(|byte| *byte == b'\n').take(200) {
        let ask = loop {
            match engine.next(now) {
                Next::Ask(ask) => break ask,
                Next::Wait(at) => now = at.max(now + Span::from_ms(1)),
                Next::Halt(_) => return,
            }
        };
        let (first, body) = line.split_first().map_or((b'2', line), |(first, body)| (*first, body));
        let status = match first {
            b'5' => 502,
            b'4' => 429,
            _ => 200,
        };
        let reply = Reply::Http { status, body: body.to_vec().into() };
        engine.observe(now + Span::from_ms(100), &ask, &api::decode(&ask.request, &reply));
        engine.take_events();
        now = now + Span::from_ms(1_150);
        let _ = (engine.status(now), engine.explain(now));
        // What it remembers can be gone on from.
        let text = serde_json::to_string(&engine.memory(now)).expect("a memory is JSON");
        assert!(serde_json::from_str::<clorebid::core::memory::Memory>(&text).is_ok());
    }
}
