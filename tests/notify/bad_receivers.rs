//! Receivers that hang, fail, close, print a megabyte or are not there: the venue sees the very same requests at the very
//! same moments as without them, and what they do not take is counted.

use std::time::Duration;

use clorebid::core::time::Time;
use clorebid::notify::{News, Patience, Receiver};
use clorebid::strategy::Occasion;

use crate::common::{World, follow};
use crate::server::{Manner, Server, TAKES, endless, hasty, minutes, telling, webhook};

const CONTESTED: &str = include_str!("../scenarios/contested.toml");

/// What the venue saw of a run that these receivers are told of, and what reached them: told and dropped.
///
/// The run has a thread of its own, so that a loop that waited for a receiver would fail the test and not hang it. How
/// long it takes does not matter, but that it ends at all.
fn venue_log(receivers: Vec<Receiver>, patience: Patience) -> (Vec<String>, Vec<(u64, u64)>) {
    let (send, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let _given_up = send.send(runtime.block_on(run(receivers, patience)));
    });
    ended.recv_timeout(Duration::from_secs(120)).expect("the loop waits for nobody")
}

async fn run(receivers: Vec<Receiver>, patience: Patience) -> (Vec<String>, Vec<(u64, u64)>) {
    let world = World::new(CONTESTED);
    let mut telling = telling(receivers, patience);
    let counts = telling.counts();
    world.run_watched(&follow(""), minutes(60), &mut telling).await;
    let last = News::of_the_run(Occasion::Ended, Time::from_secs(0), "over".to_owned());
    telling.finish(last).await;
    let log = world.truth().log().iter().map(|entry| serde_json::to_string(entry).expect("JSON")).collect();
    (log, counts.iter().map(|(_, counts)| (counts.sent(), counts.dropped())).collect())
}

#[test]
fn no_receiver_shifts_a_request_by_a_moment() {
    let (alone, _) = venue_log(Vec::new(), hasty());
    assert!(alone.len() > 2_500, "{} requests", alone.len());
    let folder = tempfile::tempdir().expect("a folder");
    let good = Server::new(TAKES);
    let (_, told) = venue_log(vec![webhook(folder.path(), good.address, "")], hasty());
    let events = told[0].0;
    assert!(events > 10 && told[0].1 == 0, "{told:?}");
    for (manner, patience, lost) in [
        (Manner::Hangs, endless(), events),
        (Manner::Hangs, hasty(), events),
        (Manner::Says(500, "no"), endless(), events),
        (Manner::Says(500, "no"), hasty(), events),
        (Manner::Says(404, "no"), hasty(), events),
        (Manner::Says(302, "elsewhere"), hasty(), events),
        (Manner::Closes, hasty(), events),
        (Manner::Prints(1_000_000), hasty(), 0),
    ] {
        let server = Server::new(manner);
        let (log, counts) = venue_log(vec![webhook(folder.path(), server.address, "")], patience);
        assert_eq!(counts, [(events - lost, lost)], "{manner:?} with {patience:?}");
        assert!(log == alone, "{manner:?} with {patience:?} changes what the venue sees");
    }
    let nobody = webhook(folder.path(), Server::nobody(), "");
    let (log, counts) = venue_log(vec![nobody], hasty());
    assert_eq!(counts, [(0, events)]);
    assert!(log == alone, "one that is not there changes what the venue sees");
}

#[test]
fn a_bad_receiver_is_no_trouble_to_a_good_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bad, good) = (Server::new(Manner::Hangs), Server::new(TAKES));
    let receivers = vec![
        webhook(folder.path(), bad.address, "name = \"bad\""),
        webhook(folder.path(), good.address, "name = \"good\""),
    ];
    let (_, counts) = venue_log(receivers, endless());
    assert_eq!(counts[0].0, 0);
    assert_eq!((counts[1].0, counts[1].1), (counts[0].1, 0), "all that the other one lost");
}

#[test]
fn a_receiver_that_fails_for_a_while_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::new(Manner::Fails(3));
    let (_, counts) = venue_log(vec![webhook(folder.path(), server.address, "")], hasty());
    let heard = server.heard();
    assert_eq!(heard[0], heard[3], "the same message, tried until it is taken");
    let told = server.told().len();
    let failed: usize =
        heard[..3].iter().map(|r| crate::server::body(r)["events"].as_array().map_or(0, Vec::len)).sum();
    assert_eq!(counts, [(u64::try_from(told - failed).expect("a count"), 0)]);
}

/// A queue of 64 that nobody empties.
#[tokio::test]
async fn what_does_not_fit_into_the_queue_is_dropped_and_counted() {
    let mut churn = CONTESTED.to_owned();
    for minute in 0..60 {
        let (at, until) = (120 + 2 * minute, 121 + 2 * minute);
        churn = churn.replacen("    [server.undercutter]", &format!("    [[server.rival]]\n    at = \"{at}m\"\n    until = \"{until}m\"\n    bid = \"0.00005{minute:02}\"\n\n    [server.undercutter]"), 1);
    }
    let (world, folder) = (World::new(&churn), tempfile::tempdir().expect("a folder"));
    let server = Server::new(Manner::Hangs);
    let mut telling = telling(vec![webhook(folder.path(), server.address, "")], endless());
    let counts = telling.counts();
    world.run_watched(&follow(""), minutes(250), &mut telling).await;
    let overflowed = counts[0].1.dropped();
    assert!(overflowed > 10, "{overflowed} dropped while the run was on");
    let last = News::of_the_run(Occasion::Ended, Time::from_secs(0), "over".to_owned());
    telling.finish(last).await;
    // One message may have had a few events when it was sent first.
    let all = counts[0].1.dropped();
    assert!(all > overflowed + 60, "{all} in the end, with what waited in the queue");
    assert_eq!(counts[0].1.sent(), 0);
}
