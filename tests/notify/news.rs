//! Which events of a run are told, to whom, and how often.

use std::time::Duration;

use clorebid::core::time::Span;
use clorebid::run::Watcher;

use crate::common::{World, follow, one_server};
use crate::server::{Manner, Server, TAKES, endless, hasty, minutes, telling, webhook};

/// What a receiver is told of a run: names and sentences, in order.
async fn told(scenario: &str, strategy: &str, span: Span) -> Vec<(String, String)> {
    let (server, folder) = (Server::new(TAKES), tempfile::tempdir().expect("a folder"));
    let mut telling = telling(vec![webhook(folder.path(), server.address, "")], hasty());
    let ran = World::new(scenario).run_watched(strategy, span, &mut telling).await;
    let end = format!("{:?}", ran.ended_by);
    let (at, ended) = (telling.last_moment(), clorebid::strategy::Occasion::Ended);
    telling.finish(clorebid::notify::News::of_the_run(ended, at, end)).await;
    let mut told = server.told();
    assert_eq!(told.pop(), Some(("ended".to_owned(), "Time".to_owned())));
    told
}

fn texts(told: &[(String, String)]) -> Vec<(&str, &str)> {
    told.iter().map(|(event, text)| (event.as_str(), text.as_str())).collect()
}

#[tokio::test]
async fn winning_and_losing_a_server_is_told() {
    let rival = "[[server.rival]]\nat = \"10m\"\nbid = \"0.00003\"\nuntil = \"20m\"\n";
    let strategy = follow("lost = \"wait\"\nraise = { wait = \"1h\" }");
    let told = told(&one_server("", rival), &strategy, minutes(30)).await;
    let expected = [
        ("won", "trainer holds server 6 at 0.00002 bitcoin a day"),
        ("lost", "trainer lost server 6: a rival bids more"),
        ("won", "trainer holds server 6 at 0.00002 bitcoin a day"),
    ];
    assert_eq!(texts(&told), expected);
}

#[tokio::test]
async fn a_move_is_told_and_what_we_give_up_is_not_lost() {
    let other = "[[server]]\nid = 7\ngpu = \"NVIDIA GeForce RTX 4090\"\non_demand = { bitcoin = \"0.00008\" }\n\
                 floor = { bitcoin = \"0.000021\" }\n";
    let rival = format!("[[server.rival]]\nat = \"10m\"\nbid = \"0.00005\"\n{other}");
    let strategy = follow("lost = \"move\"").replace("[6]", "[6, 7]");
    let told = told(&one_server("", &rival), &strategy, minutes(20)).await;
    let expected = [
        ("won", "trainer holds server 6 at 0.00002 bitcoin a day"),
        ("lost", "trainer lost server 6: a rival bids more"),
        ("moved", "trainer leaves server 6 for server 7, where 0.000021 wins"),
        ("won", "trainer holds server 7 at 0.000021 bitcoin a day"),
    ];
    assert_eq!(texts(&told), expected);
}

#[tokio::test]
async fn a_limit_is_told_once_until_bids_are_taken_again_and_no_order_for_minutes_is_told_too() {
    let floor = "[[server.event]]\nat = \"0s\"\nfor = \"30m\"\nkind = \"floor\"\nfloor = { bitcoin = \"0.00007\" }\n\
                 [[server.event]]\nat = \"12m\"\nfor = \"1m\"\nkind = \"floor\"\nfloor = { bitcoin = \"0.000065\" }\n\
                 [[server.event]]\nat = \"35m\"\nfor = \"30m\"\nkind = \"floor\"\nfloor = { bitcoin = \"0.00007\" }\n";
    let told = told(&one_server("", floor), &follow(""), minutes(60)).await;
    let events: Vec<&str> = told.iter().map(|(event, _)| event.as_str()).collect();
    assert_eq!(events, ["limit", "stuck", "won", "lost", "limit"], "{told:#?}");
    assert_eq!(told[3].1, "trainer lost server 6: the host's floor is above our bid");
    let too_dear = "the least winning bid 0.00007 is above 0.00006, the most worth bidding";
    assert_eq!(told[0].1, format!("trainer: no bid on server 6: {too_dear}"));
    assert!(told[1].1.starts_with("trainer has had no order for 10m"), "{}", told[1].1);
    assert!(told[1].1.contains("; server 6: the least winning bid"), "with a reason: {}", told[1].1);
}

#[tokio::test]
async fn an_order_that_a_limit_has_cancelled_is_told_as_that_and_not_as_a_loss() {
    let limit = "max_bid = \"0.00006\"\nmax_total_cost = \"0.0000001\"";
    let strategy = follow("").replace("max_bid = \"0.00006\"", limit);
    let told = told(&one_server("", ""), &strategy, minutes(9)).await;
    let events: Vec<&str> = told.iter().map(|(event, _)| event.as_str()).collect();
    assert_eq!(events, ["won", "limit", "limit"], "{told:#?}");
    let cancelled = &told.iter().find(|(_, text)| text.contains("cancelled")).expect("the cancellation").1;
    assert!(cancelled.starts_with("order 1001 on server 6 is cancelled: "), "{cancelled}");
    assert!(cancelled.ends_with(" spent is above max_total_cost 0.0000001"), "{cancelled}");
}

#[tokio::test]
async fn what_stood_there_at_the_start_is_not_won_again() {
    let world = World::new(&one_server("", ""));
    world.run(&follow(""), minutes(5)).await;
    let (server, folder) = (Server::new(TAKES), tempfile::tempdir().expect("a folder"));
    let mut telling = telling(vec![webhook(folder.path(), server.address, "")], hasty());
    let adopting = follow("").replace("servers = [6]", "servers = [6]\nadopt = true");
    let ran = world.run_watched(&adopting, minutes(5), &mut telling).await;
    let (at, ended) = (telling.last_moment(), clorebid::strategy::Occasion::Ended);
    telling.finish(clorebid::notify::News::of_the_run(ended, at, "over".to_owned())).await;
    assert!(ran.engine.status(at).servers.iter().any(|s| s.our_bid.is_some()), "it took the order over");
    assert_eq!(texts(&server.told()), [("ended", "over")]);
}

#[tokio::test]
async fn a_wallet_that_holds_too_little_is_told() {
    let strategy = follow("").replace("max_bid = \"0.00006\"", "max_bid = \"0.00006\"\nmin_balance = \"0.02\"");
    let told = told(&one_server("", ""), &strategy, minutes(5)).await;
    assert_eq!(texts(&told), [("balance", "trainer: no bid on server 6: balance 0.01 is below min_balance 0.02")]);
}

#[tokio::test]
async fn what_the_venue_refuses_for_want_of_money_is_told_once() {
    let scenario = one_server("funded_for = \"365d\"", "").replace("0.01", "0.000001");
    let told = told(&scenario, &follow(""), minutes(5)).await;
    let expected = "trainer: the venue refuses a bid on server 6: the balance is too low for it";
    assert_eq!(texts(&told), [("balance", expected)]);
}

#[tokio::test]
async fn blindness_is_told_once_and_once_when_it_is_over() {
    let dark = "[[fault]]\ncall = \"*\"\nat = \"10m\"\nuntil = \"40m\"\nkind = \"html_502_before\"\n";
    let told = told(&one_server("", dark), &follow(""), minutes(60)).await;
    let events: Vec<&str> = told.iter().map(|(event, _)| event.as_str()).collect();
    assert_eq!(events, ["won", "blind", "blind"], "{told:#?}");
    assert!(told[1].1.starts_with("no good answer from the venue for 3"), "after 30 s: {}", told[1].1);
    assert!(told[2].1.starts_with("the venue answers again, after 30m"), "{}", told[2].1);
}

#[tokio::test]
async fn an_order_that_does_not_go_on_is_told_as_stuck() {
    // The create is taken and its order never shows: nobody knows for as long as my_orders cannot be read.
    let hidden = "[[fault]]\ncall = \"my_orders\"\nfrom = 2\nkind = \"code_1_before\"\n\
                  [[fault]]\ncall = \"create_order\"\nkind = \"lost_before\"\n";
    let told = told(&one_server("", hidden), &follow(""), minutes(30)).await;
    let expected = "server 6: nobody knows whether a bid was taken, for 10m";
    assert!(told.iter().any(|(event, text)| event == "stuck" && text.starts_with(expected)), "{told:#?}");
    assert_eq!(told.iter().filter(|(event, _)| event == "stuck").count(), 1, "{told:#?}");
}

#[tokio::test]
async fn a_journal_that_is_locked_is_told_once_and_once_when_it_is_free_and_the_second_message_waits_its_time() {
    let (server, folder) = (Server::new(TAKES), tempfile::tempdir().expect("a folder"));
    let receiver = webhook(folder.path(), server.address, "at_most_every = \"100ms\"");
    let mut telling = telling(vec![receiver], hasty());
    for seconds in [1, 29, 30, 31, 500] {
        telling.journal(Some(Duration::from_secs(seconds)));
    }
    server.wait_for_requests(1).await;
    telling.journal(None);
    telling.journal(None);
    // The run is still on: the pause ends by itself.
    server.wait_for_requests(2).await;
    let locked = "another program keeps the journal locked: nothing can be bid until it is free";
    assert_eq!(texts(&server.told()), [("stuck", locked), ("stuck", "the journal is free again")]);
}

#[tokio::test]
async fn a_receiver_is_asked_again_when_it_wants_to_be() {
    let (server, folder) = (Server::new(Manner::AsksForPatience), tempfile::tempdir().expect("a folder"));
    let mut telling = telling(vec![webhook(folder.path(), server.address, "")], endless());
    telling.journal(Some(Duration::from_secs(60)));
    // By our own patience the second try would come after ten hours.
    server.wait_for_requests(2).await;
    let heard = server.heard();
    assert_eq!(heard[0], heard[1]);
}

#[tokio::test]
async fn each_receiver_is_told_what_it_wants_to_know_and_no_more_often() {
    let folder = tempfile::tempdir().expect("a folder");
    let [all, losses, seldom] = [(); 3].map(|()| Server::new(TAKES));
    let receivers = vec![
        webhook(folder.path(), all.address, "name = \"all\""),
        webhook(folder.path(), losses.address, "name = \"losses\"\nevents = [\"lost\", \"blind\"]"),
        webhook(folder.path(), seldom.address, "name = \"seldom\"\nat_most_every = \"1d\""),
    ];
    let mut telling = telling(receivers, hasty());
    let counts = telling.counts();
    let scenario = include_str!("../scenarios/contested.toml");
    World::new(scenario).run_watched(&follow(""), minutes(180), &mut telling).await;
    let (at, ended) = (telling.last_moment(), clorebid::strategy::Occasion::Ended);
    telling.finish(clorebid::notify::News::of_the_run(ended, at, "over".to_owned())).await;

    let everything = all.told();
    assert!(everything.len() > 10, "there is something to tell: {everything:#?}");
    let lost: Vec<_> = everything.iter().filter(|(event, _)| event == "lost").cloned().collect();
    assert!(lost.len() > 3, "{everything:#?}");
    assert_eq!(losses.told(), lost);
    assert_eq!(seldom.told(), everything, "nothing is lost on it");
    assert_eq!(seldom.heard().len(), 2, "one message when the first thing happens, and one with all the rest");
    let sent: Vec<(u64, u64)> = counts.iter().map(|(_, counts)| (counts.sent(), counts.dropped())).collect();
    let many = |list: &[(String, String)]| u64::try_from(list.len()).expect("a count");
    assert_eq!(sent, [(many(&everything), 0), (many(&lost), 0), (many(&everything), 0)]);
}
