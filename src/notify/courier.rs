//! The way of news to one receiver: a task of its own with a queue that has an end, pauses between messages, tries with
//! growing pauses, and a count of what was dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::post::Post;
use super::receiver::Receiver;
use super::{About, Shared};
use crate::clore::Scrubber;

/// So much waits for a receiver; what comes then is dropped.
const QUEUE_MAX: usize = 64;

/// How long a receiver is waited for, and how often it is tried.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How long an answer may take.
    pub timeout: Duration,
    /// The pause after the first failure; each one after that is twice as long.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// After so many tries a message is dropped.
    pub tries: u32,
}

/// About half an hour of trying.
impl Default for Patience {
    fn default() -> Patience {
        Patience {
            timeout: Duration::from_secs(10),
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(300),
            tries: 14,
        }
    }
}

/// How much of what a receiver should know has reached it.
#[derive(Debug, Default)]
pub struct Counts {
    accepted: AtomicU64,
    sent: AtomicU64,
    dropped: AtomicU64,
}

impl Counts {
    /// So many events were told.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// So many events were dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn waiting(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed).saturating_sub(self.sent() + self.dropped())
    }

    fn drop_more(&self, more: u64) -> u64 {
        self.dropped.fetch_add(more, Ordering::Relaxed) + more
    }
}

/// Takes news to one receiver.
pub(super) struct Courier {
    receiver: Arc<Receiver>,
    queue: mpsc::Sender<Shared>,
    counts: Arc<Counts>,
    task: JoinHandle<()>,
}

impl Courier {
    /// Starts the task. Once `closing` turns true it waits for nothing any more, and ends when all that is queued is
    /// sent or dropped.
    pub(super) fn start(
        receiver: Receiver,
        about: Arc<About>,
        post: Post,
        patience: Patience,
        closing: watch::Receiver<bool>,
    ) -> Courier {
        let receiver = Arc::new(receiver);
        let counts = Arc::new(Counts::default());
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let scrubber = receiver.scrubber();
        let route = Route {
            receiver: Arc::clone(&receiver),
            about,
            post,
            patience,
            closing,
            scrubber,
            counts: Arc::clone(&counts),
        };
        let task = tokio::spawn(route.carry(waiting));
        Courier { receiver, queue, counts, task }
    }

    pub(super) fn name(&self) -> &str {
        self.receiver.name()
    }

    pub(super) fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }

    /// Queues it, if the receiver is to know; never waits.
    pub(super) fn tell(&self, news: &Shared) {
        if !self.receiver.wants(news.occasion) {
            return;
        }
        self.counts.accepted.fetch_add(1, Ordering::Relaxed);
        if self.queue.try_send(Arc::clone(news)).is_err() {
            let dropped = self.counts.drop_more(1);
            // A receiver that is dead for days must not fill the log.
            if dropped.is_power_of_two() {
                let name = self.name();
                warn!(receiver = name, dropped, "receiver {name} is too slow: {} dropped so far", many(dropped));
            }
        }
    }

    /// Waits until all is sent or dropped, the last news included.
    pub(super) async fn close(&mut self, last: &Shared) {
        if self.receiver.wants(last.occasion) {
            self.counts.accepted.fetch_add(1, Ordering::Relaxed);
            let _task_is_gone = self.queue.send(Arc::clone(last)).await;
        }
        // With the queue's only sender gone, the task ends after the last message.
        (self.queue, _) = mpsc::channel(1);
        let _panicked = (&mut self.task).await;
    }

    /// Ends the task, and says what was lost.
    pub(super) fn end(self) {
        self.task.abort();
        let left = self.counts.waiting();
        let (name, dropped) = (self.receiver.name(), self.counts.drop_more(left));
        if left > 0 {
            let (left, all) = (many(left), many(dropped));
            warn!(receiver = name, dropped, "the run ends before receiver {name} took {left}; {all} dropped in all");
        } else if dropped > 0 {
            warn!(receiver = name, dropped, "{} to receiver {name} dropped in all", many(dropped));
        }
    }
}

/// What the task has.
struct Route {
    receiver: Arc<Receiver>,
    about: Arc<About>,
    post: Post,
    patience: Patience,
    closing: watch::Receiver<bool>,
    scrubber: Scrubber,
    counts: Arc<Counts>,
}

impl Route {
    async fn carry(mut self, mut waiting: mpsc::Receiver<Shared>) {
        let mut free_at = Instant::now();
        while let Some(first) = waiting.recv().await {
            self.rest_until(free_at).await;
            let mut news = vec![first];
            // What happened meanwhile goes along: a receiver that was away is not flooded.
            while let Ok(more) = waiting.try_recv() {
                news.push(more);
            }
            self.deliver(&news).await;
            free_at = Instant::now() + self.receiver.at_most_every();
        }
    }

    /// Waits, unless the run ends before.
    async fn rest_until(&mut self, at: Instant) {
        let is_closing = *self.closing.borrow();
        if !is_closing && at > Instant::now() {
            tokio::select! {
                () = tokio::time::sleep_until(at) => {}
                _ = self.closing.wait_for(|closing| *closing) => {}
            }
        }
    }

    /// Sends one message, again and again with growing pauses, until it is taken or dropped.
    async fn deliver(&mut self, news: &[Shared]) {
        let count = u64::try_from(news.len()).unwrap_or(u64::MAX);
        let letter = self.receiver.letter(&self.about, news);
        let mut pause = self.patience.first_pause;
        let mut tries = 0_u32;
        let trouble = loop {
            let was_closing = *self.closing.borrow();
            let trouble = match self.post.send(&letter, &self.scrubber).await {
                Ok(_) => {
                    self.counts.sent.fetch_add(count, Ordering::Relaxed);
                    if tries > 0 {
                        info!(
                            receiver = self.receiver.name(),
                            "receiver {} takes notifications again",
                            self.receiver.name()
                        );
                    }
                    return;
                }
                Err(trouble) => trouble,
            };
            tries += 1;
            if trouble.is_final() || tries >= self.patience.tries || was_closing {
                break trouble;
            }
            let name = self.receiver.name();
            if tries == 1 {
                warn!(
                    receiver = name,
                    "receiver {name} does not take notifications ({trouble}); trying on with growing pauses"
                );
            } else {
                debug!(receiver = name, tries, "receiver {name} still does not take notifications ({trouble})");
            }
            let wanted = trouble.retry_after().unwrap_or(pause).min(self.patience.longest_pause);
            self.rest_until(Instant::now() + wanted).await;
            pause = (pause * 2).min(self.patience.longest_pause);
        };
        let (name, dropped) = (self.receiver.name(), self.counts.drop_more(count));
        let lost = many(count);
        warn!(receiver = name, dropped, "{lost} to receiver {name} dropped ({trouble}); {dropped} so far");
    }
}

fn many(count: u64) -> String {
    format!("{count} notification{}", if count == 1 { "" } else { "s" })
}
