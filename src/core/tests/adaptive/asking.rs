//! Whoever asks only where something changed, or when he was told to, decides the same as one who asks at every look.

use clorebid_core::policy::adaptive::choice::Wish;
use clorebid_core::time::{Span, Time};
use proptest::prelude::*;

use crate::golden::Run;

/// Between two looks.
const LOOK: Span = Span::from_ms(2_999);
const LOOKS: usize = 6_000;

/// After so many looks, one server has another price, or cannot be held.
type Change = (usize, usize, Option<u64>);

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let price = prop_oneof![
        6 => (950..1_050_u64).prop_map(Some),
        2 => (1_000..2_500_u64).prop_map(Some),
        1 => Just(None),
    ];
    let looks = prop_oneof![1..4_usize, 1..60_usize, 1..900_usize];
    prop::collection::vec((looks, 0..2_usize, price), 5..60)
}

/// What one did, and when.
struct Bidder {
    run: Run,
    done: Vec<(Time, String)>,
    wake: Option<Time>,
    asked: usize,
    is_news: bool,
}

impl Bidder {
    fn new(header: &str) -> Bidder {
        Bidder { run: Run::new(header), done: vec![], wake: None, asked: 0, is_news: false }
    }

    fn read(&mut self, now: Time, prices: &[Option<u64>]) {
        self.run.now = now;
        for (server, price) in prices.iter().enumerate() {
            match price {
                Some(price) => {
                    let ours = self.run.held.is_some_and(|held| held.server.0 == server as u64);
                    let seen = self.run.markets[server].observe(now, *price, ours);
                    if seen == clorebid_core::policy::adaptive::market::Seen::Answered {
                        self.run.regret.answered();
                    }
                }
                None => self.run.markets[server].unholdable(),
            }
        }
    }

    fn ask(&mut self) {
        let decision = self.run.ask();
        let done = self.run.carry_out(&decision);
        self.asked += 1;
        // What was carried out is itself news, to be looked at next time.
        self.is_news = decision.wish != Wish::Keep;
        self.wake = if self.is_news { Some(self.run.now) } else { decision.wake };
        if self.is_news {
            self.done.push((self.run.now, done));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn jumping_over_looks_that_show_nothing_new_changes_nothing(
        changes in changes(), restart in 0..6_u64, step in 1..50_u64, rivals in 0..4_usize,
    ) {
        let header = format!("2 {} 2000 {step}", restart * 86_400_000 + 3_000_000);
        let (mut often, mut seldom) = (Bidder::new(&header), Bidder::new(&header));
        let mut changes = changes.into_iter().peekable();
        let mut prices = [Some(1_000), Some(1_010)];
        let (mut now, mut since, mut last_change) = (often.run.now, 0, true);
        for _ in 0..LOOKS {
            let before = now;
            now = now + LOOK;
            since += 1;
            let old = prices;
            // Rivals who answer some of our bids, at the next look.
            let news = often.run.held.filter(|_| often.is_news && rivals > 0);
            if let Some(held) = news.filter(|_| often.done.len() % (rivals + 1) != 0) {
                prices[held.server.0 as usize] = Some(held.bid + 3);
            }
            while let Some((_, server, price)) = changes.next_if(|(looks, _, _)| *looks <= since) {
                prices[server] = price;
                since = 0;
            }
            often.read(now, &prices);
            often.ask();
            if last_change || prices != old || seldom.wake.is_some_and(|wake| wake <= now) {
                if !last_change {
                    // The last of the looks that were jumped over.
                    seldom.read(before, &old);
                }
                seldom.read(now, &prices);
                seldom.ask();
                prop_assert_eq!(seldom.run.held, often.run.held);
            }
            last_change = false;
        }
        for bidder in [&mut often, &mut seldom] {
            bidder.run.regret.advance(now);
            bidder.read(now, &prices);
            bidder.run.markets.iter_mut().for_each(|market| market.advance(now));
        }
        prop_assert_eq!(&often.done, &seldom.done);
        prop_assert_eq!(often.run.regret, seldom.run.regret);
        prop_assert_eq!(often.run.markets, seldom.run.markets);
        prop_assert!(seldom.asked < often.asked);
    }
}
