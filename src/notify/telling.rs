//! All receivers of a run: it watches the run for them, and tells them how it ended.

use std::sync::Arc;
use std::time::Duration;

use clorebid_core::engine::Engine;
use clorebid_core::event::Event;
use clorebid_core::request::{Answer, Ask};
use clorebid_core::time::Time;
use futures_util::future::join_all;
use tokio::sync::watch;

use super::courier::{Counts, Courier, Patience};
use super::post::{Post, Said, Trouble};
use super::receiver::Receiver;
use super::reporter::Reporter;
use super::{About, News};
use crate::client::ClientError;
use crate::clock::wall_now;
use crate::run::Watcher;

/// How long the last messages may take once the run is over.
const LAST_WORDS_MAX: Duration = Duration::from_secs(3);

/// Tells receivers what happens in a run, while it watches it.
pub struct Telling {
    reporter: Reporter,
    couriers: Vec<Courier>,
    closing: watch::Sender<bool>,
    seen_at: Option<Time>,
}

impl std::fmt::Debug for Telling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.couriers.iter().map(Courier::name)).finish()
    }
}

impl Telling {
    /// Starts a task for each receiver.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn start(receivers: Vec<Receiver>, about: About, patience: Patience) -> Result<Telling, ClientError> {
        let (closing, closed) = watch::channel(false);
        let reporter = Reporter::new(about.only_observes);
        let mut couriers = Vec::new();
        if !receivers.is_empty() {
            let (about, post) = (Arc::new(about), Post::new(patience.timeout)?);
            let start = |receiver| Courier::start(receiver, Arc::clone(&about), post.clone(), patience, closed.clone());
            couriers = receivers.into_iter().map(start).collect();
        }
        Ok(Telling { reporter, couriers, closing, seen_at: None })
    }

    /// What has reached each receiver, by its name.
    pub fn counts(&self) -> Vec<(String, Arc<Counts>)> {
        self.couriers.iter().map(|courier| (courier.name().to_owned(), Arc::clone(courier.counts()))).collect()
    }

    /// The last moment of the run that it was told of; the machine's own time before the first.
    pub fn last_moment(&self) -> Time {
        self.seen_at.unwrap_or_else(wall_now)
    }

    /// Tells how the run ended, and gives the receivers three seconds to take what waits for them.
    pub async fn finish(mut self, last: News) {
        self.closing.send_replace(true);
        let last = Arc::new(last);
        let closed = join_all(self.couriers.iter_mut().map(|courier| courier.close(&last)));
        let _some_are_late = tokio::time::timeout(LAST_WORDS_MAX, closed).await;
        self.couriers.into_iter().for_each(Courier::end);
    }

    fn tell(&self, news: Vec<News>) {
        for news in news.into_iter().map(Arc::new) {
            for courier in &self.couriers {
                courier.tell(&news);
            }
        }
    }
}

impl Watcher for Telling {
    fn step(&mut self, now: Time, ask: &Ask, answer: &Answer, events: &[Event], engine: &Engine) {
        if self.couriers.is_empty() {
            return;
        }
        self.seen_at = Some(now);
        let news = self.reporter.step(now, ask, answer, events, engine);
        self.tell(news);
    }

    fn journal(&mut self, locked_for: Option<Duration>) {
        let news = self.reporter.journal(self.last_moment(), locked_for);
        self.tell(news.into_iter().collect());
    }
}

/// What a test message to one receiver came to.
#[derive(Debug)]
pub struct Tried {
    /// The receiver's name.
    pub name: String,
    /// The name of its kind.
    pub kind: &'static str,
    /// What it said.
    pub came_back: Result<Said, Trouble>,
}

/// Sends one message to each receiver, whatever it wants to know, once.
///
/// # Errors
/// When TLS cannot be set up.
pub async fn try_out(receivers: &[Receiver], strategy: String, patience: Patience) -> Result<Vec<Tried>, ClientError> {
    let post = Post::new(patience.timeout)?;
    let about = About { strategy, mode: "test", only_observes: false };
    let text = "a test: what happens in a run will be told here".to_owned();
    let news = [Arc::new(News { occasion: None, at: wall_now(), target: None, server: None, text })];
    let tried = receivers.iter().map(async |receiver| {
        let came_back = post.send(&receiver.letter(&about, &news), &receiver.scrubber()).await;
        Tried { name: receiver.name().to_owned(), kind: receiver.kind(), came_back }
    });
    Ok(join_all(tried).await)
}
