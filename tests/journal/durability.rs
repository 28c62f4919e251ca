//! What is on disk, and when.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use clorebid::core::request::Outcome;
use clorebid::journal::{Action, Journal, JournalError, Mode, RunStart, venue_text};
use sqlx::AssertSqlSafe;

use crate::support::*;

const TABLES: [&str; 14] = [
    "run_starts",
    "calls",
    "replies",
    "sightings",
    "reads",
    "changes",
    "answers",
    "memories",
    "transitions",
    "stretches",
    "stretch_ends",
    "spending",
    "notice_rows",
    "run_ends",
];

#[tokio::test]
async fn no_table_can_be_updated_deleted_from_or_replaced_in() {
    let (_dir, path, mut journal) = crate::chain::full_run().await;
    journal.end_run(at(900_000), "signal").await.unwrap();
    let mut other = look(&path).await;
    for table in TABLES {
        let key = if table == "run_starts" { "run_id" } else { "id" };
        assert!(count(&mut other, table).await > 0, "{table} has no row to try on");
        for sql in [
            format!("UPDATE {table} SET hash = hash"),
            format!("DELETE FROM {table}"),
            format!("REPLACE INTO {table} ({key}, hash) SELECT {key}, hash FROM {table}"),
        ] {
            let refused = sqlx::query(AssertSqlSafe(sql.clone())).execute(&mut other).await.unwrap_err();
            assert!(refused.to_string().contains("append-only"), "{sql}: {refused}");
        }
    }
}

#[tokio::test]
async fn a_change_is_committed_with_every_read_before_it_when_intend_returns() {
    let (_dir, path, mut journal) = running().await;
    let mut other = look(&path).await;
    for seq in 1..=3 {
        read(&mut journal, seq, seq as i64 * 1050, "{\"code\":0}").await;
    }
    assert_eq!(count(&mut other, "reads").await, 0);
    journal.intend((), change_of(4, 4200, Action::Place, None, Some("0.00005"))).await.unwrap();
    assert_eq!(count(&mut other, "reads").await, 3);
    assert_eq!(count(&mut other, "changes").await, 1);
    assert_eq!(count(&mut other, "memories").await, 2);
    let outcome: String =
        sqlx::query_scalar("SELECT outcome FROM requests WHERE seq = 4").fetch_one(&mut other).await.unwrap();
    assert_eq!(outcome, "pending");
}

#[tokio::test]
async fn a_read_still_unanswered_is_on_record_before_a_change() {
    let (_dir, path, mut journal) = running().await;
    journal.intend((), read_of(1, 0)).await.unwrap();
    journal.intend((), change_of(2, 1050, Action::Place, None, Some("0.00005"))).await.unwrap();
    let mut other = look(&path).await;
    let row: (String, String) =
        sqlx::query_as("SELECT outcome, error FROM requests WHERE seq = 1").fetch_one(&mut other).await.unwrap();
    assert_eq!(row, ("unknown".to_string(), "interrupted".to_string()));
    assert!(matches!(journal.record(answer(1, 1100, "{}")).await, Err(JournalError::Misuse { .. })));
}

#[tokio::test]
async fn the_answer_to_a_change_is_committed_when_record_returns() {
    let (_dir, path, mut journal) = running().await;
    let mut other = look(&path).await;
    journal.intend((), change_of(1, 0, Action::Place, None, Some("0.00005"))).await.unwrap();
    assert_eq!(count(&mut other, "answers").await, 0);
    journal.record(answer(1, 80, "{\"code\":0}")).await.unwrap();
    assert_eq!(count(&mut other, "answers").await, 1);
    assert!(matches!(journal.record(answer(1, 90, "{}")).await, Err(JournalError::Misuse { .. })));
}

#[tokio::test]
async fn reads_alone_wait_for_a_flush_or_until_there_are_many() {
    let (_dir, path, mut journal) = running().await;
    let mut other = look(&path).await;
    for seq in 1..=400 {
        read(&mut journal, seq, seq as i64 * 1050, "{\"code\":0}").await;
        journal.flush_if_due().await.unwrap();
    }
    assert_eq!(count(&mut other, "reads").await, 0);
    journal.flush().await.unwrap();
    assert_eq!(count(&mut other, "reads").await, 400);
    for seq in 401..=900 {
        read(&mut journal, seq, seq as i64 * 1050, "{\"code\":0}").await;
        journal.flush_if_due().await.unwrap();
    }
    until_count(&mut other, "reads", 900).await;
}

#[tokio::test]
async fn a_killed_run_leaves_its_unfinished_change_without_an_answer() {
    let (_dir, path, mut journal) = running().await;
    read(&mut journal, 1, 0, "{\"code\":0}").await;
    journal.intend((), change_of(2, 1050, Action::Raise, Some("0.00005"), Some("0.00006"))).await.unwrap();
    drop(journal);

    let mut journal = Journal::open(&path).await.unwrap();
    let resume = journal.last_memory(Mode::Paper, "calm").await.unwrap().unwrap();
    assert_eq!((resume.run_id, resume.memory.as_str(), resume.at), (1, "{\"seq\":2}", at(1050)));
    let [unfinished] = resume.unfinished.as_slice() else { panic!("{:?}", resume.unfinished) };
    assert_eq!((unfinished.seq, unfinished.sent_at), (2, at(1050)));
    assert_eq!((unfinished.call.as_str(), unfinished.args.as_str()), ("set_spot_price", "{\"server\":6}"));
    assert_eq!(unfinished.request, "{\"create\":{\"server\":6}}");
    assert_eq!(unfinished.answer, None);
}

#[tokio::test]
async fn a_killed_run_leaves_its_unfinished_change_with_the_answer_that_was_recorded() {
    let (_dir, path, mut journal) = running().await;
    journal.intend((), change_of(1, 0, Action::Place, None, Some("0.00005"))).await.unwrap();
    let body = format!("{{\"code\":0,\"padding\":\"{}\"}}", "x".repeat(2000));
    journal.record(answer(1, 70, &body)).await.unwrap();
    drop(journal);

    let mut journal = Journal::open(&path).await.unwrap();
    let resume = journal.last_memory(Mode::Paper, "calm").await.unwrap().unwrap();
    let recorded = resume.unfinished[0].answer.clone().unwrap();
    assert_eq!((recorded.at, recorded.status, recorded.body.as_ref()), (at(70), Some(200), body.as_bytes()));
}

#[tokio::test]
async fn a_memory_written_after_the_answer_leaves_nothing_unfinished() {
    let (_dir, path, mut journal) = running().await;
    journal.intend((), change_of(1, 0, Action::Place, None, Some("0.00005"))).await.unwrap();
    journal.record(answer(1, 70, "{}")).await.unwrap();
    journal.remember(1, at(70), "after");
    journal.end_run(at(100), "signal").await.unwrap();
    let resume = journal.last_memory(Mode::Paper, "calm").await.unwrap().unwrap();
    assert_eq!((resume.memory.as_str(), resume.unfinished.len()), ("after", 0));

    let mut again = Journal::open(&path).await.unwrap();
    assert_eq!(again.begin_run(start("after")).await.unwrap(), 2);
    assert_eq!(again.last_memory(Mode::Paper, "calm").await.unwrap().unwrap().run_id, 2);
    assert_eq!(again.last_memory(Mode::Live, "calm").await.unwrap(), None);
    assert_eq!(again.last_memory(Mode::Paper, "stormy").await.unwrap(), None);
}

#[tokio::test]
async fn a_run_goes_on_from_the_last_one_of_its_account_however_the_venue_is_spelled() {
    let (_dir, path) = db();
    let mut journal = Journal::open(&path).await.unwrap();
    let runs = [
        ("https://one/v1".to_owned(), "an older build's"),
        (venue_text("https://one/v1", "aaaa"), "of a"),
        (venue_text("https://one/v1", "bbbb"), "of b"),
    ];
    for (venue, memory) in &runs {
        journal.begin_run(RunStart { venue, ..start(memory) }).await.unwrap();
        journal.end_run(at(1), "signal").await.unwrap();
    }
    for (venue, memory) in [
        (venue_text("https://one/v1", "aaaa"), Some("of a")),
        (venue_text("https://ONE/v1/", "aaaa"), Some("of a")),
        (venue_text("https://one/v1", "bbbb"), Some("of b")),
        // What an older build left is the address's, as it was.
        (venue_text("https://one/v1/", "cccc"), Some("an older build's")),
        (venue_text("https://two/v1", "cccc"), None),
    ] {
        let left = journal.last_memory(Mode::Paper, &venue).await.unwrap();
        assert_eq!(left.as_ref().map(|left| left.memory.as_str()), memory, "{venue}");
    }
}

#[tokio::test]
async fn an_answer_equal_to_the_last_one_of_its_call_is_stored_once() {
    let (_dir, path, mut journal) = running().await;
    let mut other = look(&path).await;
    for (seq, body) in [(1, "{\"a\":1}"), (2, "{\"a\":1}"), (3, "{\"a\":2}"), (4, "{\"a\":1}")] {
        read(&mut journal, seq, seq as i64, body).await;
    }
    journal.intend((), read_of(5, 5)).await.unwrap();
    let refused = clorebid::journal::Received { outcome: Outcome::Refused, code: Some(5), ..answer(5, 6, "{\"a\":1}") };
    journal.record(refused).await.unwrap();
    journal.flush().await.unwrap();
    let named: Vec<i64> = sqlx::query_scalar("SELECT reply FROM reads").fetch_all(&mut other).await.unwrap();
    assert_eq!(named, [1, 1, 2, 3, 4]);
    assert_eq!(count(&mut other, "calls").await, 1);
}

#[tokio::test]
async fn two_runs_write_the_same_file_side_by_side() {
    let (_dir, path, mut one) = running().await;
    let mut two = Journal::open(&path).await.unwrap();
    two.begin_run(start("")).await.unwrap();
    for seq in 1..=5 {
        for journal in [&mut one, &mut two] {
            read(journal, seq, seq as i64, &format!("{{\"seq\":{seq}}}")).await;
            journal.flush().await.unwrap();
        }
    }
    one.end_run(at(100), "signal").await.unwrap();
    two.end_run(at(100), "signal").await.unwrap();
    assert_eq!(two.verify_chain().await.unwrap(), []);
}

#[tokio::test]
async fn a_request_number_that_does_not_ascend_is_refused() {
    let (_dir, _path, mut journal) = running().await;
    read(&mut journal, 5, 0, "{}").await;
    assert!(matches!(journal.intend((), read_of(5, 1)).await, Err(JournalError::Misuse { .. })));
    assert!(matches!(journal.begin_run(start("")).await, Err(JournalError::Misuse { .. })));
}

#[tokio::test]
async fn a_read_waits_no_longer_than_five_seconds() {
    let (_dir, path, mut journal) = running().await;
    read(&mut journal, 1, 0, "{}").await;
    journal.flush_if_due().await.unwrap();
    assert_eq!(count(&mut look(&path).await, "reads").await, 0, "one read alone is no reason to write");
    tokio::time::sleep(std::time::Duration::from_millis(5050)).await;
    journal.flush_if_due().await.unwrap();
    until_count(&mut look(&path).await, "reads", 1).await;
}

#[tokio::test]
async fn a_commit_that_was_sent_off_comes_before_the_change_after_it() {
    let (_dir, path, mut journal) = running().await;
    for seq in 1..=500 {
        read(&mut journal, seq, seq as i64 * 1050, &format!("{{\"seq\":{seq}}}")).await;
        journal.flush_if_due().await.unwrap();
    }
    journal.intend((), change_of(501, 600_000, Action::Place, None, Some("0.00005"))).await.unwrap();
    let mut other = look(&path).await;
    assert_eq!((count(&mut other, "reads").await, count(&mut other, "changes").await), (500, 1));
    assert_eq!(journal.verify_chain().await.unwrap(), []);
}

/// Polls a future so many times, each time that it asks for it, and drops it then, as a caller does that stops waiting.
/// Says whether it was done by then.
async fn done_within(polls: u32, future: impl Future) -> bool {
    let mut future = pin!(future);
    let mut polled = 0;
    poll_fn(|context| {
        let done = future.as_mut().poll(context).is_ready();
        polled += 1;
        if done || polled == polls { Poll::Ready(done) } else { Poll::Pending }
    })
    .await
}

#[tokio::test]
async fn a_commit_cut_short_is_never_followed_by_another() {
    let change = |seq| change_of(seq, 0, Action::Place, None, Some("0.00005"));
    let mut cut = 0;
    // Cut wherever it waits for the disk, until it is no longer cut at all.
    loop {
        let (_dir, path, mut journal) = running().await;
        if done_within(cut + 1, journal.intend((), change(1))).await {
            assert_eq!(count(&mut look(&path).await, "changes").await, 1);
            break;
        }
        cut += 1;
        assert!(matches!(journal.flush().await, Err(JournalError::Broken { .. })), "cut at {cut}");
        assert!(matches!(journal.intend((), change(2)).await, Err(JournalError::Broken { .. })), "cut at {cut}");
        drop(journal);
        let mut journal = Journal::open(&path).await.unwrap();
        assert_eq!(journal.verify_chain().await.unwrap(), [], "cut at {cut}");
        let mut other = look(&path).await;
        let (changes, memories) = (count(&mut other, "changes").await, count(&mut other, "memories").await);
        // The run's first memory is there beside the change's own.
        assert!(changes <= 1 && memories == changes + 1, "cut at {cut}: {changes} changes, {memories} memories");
    }
    // It waits four times, unless SQLite's thread is done before it is asked whether it is.
    assert!(cut > 1, "a commit waits for the disk more often than {cut} times");
}
