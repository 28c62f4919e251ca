//! The pages: whether the run is well, and its metrics in the text of OpenMetrics.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use clorebid_core::time::Span;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::registry::Registry;

use super::figures::{Figures, Moment, RunInfo};
use crate::clock::Clock;
use crate::notify::Counts;

/// A run whose last good answer is older than this is not well.
const WELL_FOR: Span = Span::from_secs(60);
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the pages show.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) figures: Arc<Mutex<Figures>>,
    pub(super) info: RunInfo,
    pub(super) clock: Clock,
    pub(super) notifications: Vec<(String, Arc<Counts>)>,
}

impl Shown {
    fn now(&self) -> Moment {
        let figures = self.figures.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let age = figures.good_at.map(|at| self.clock.now().since(at));
        let told = self.notifications.iter().map(|(name, counts)| (name.clone(), counts.sent(), counts.dropped()));
        Moment { figures, info: self.info.clone(), age, told: told.collect() }
    }
}

/// Encodes what is shown at the moment of a scrape, so that a server that is gone leaves no row behind.
#[derive(Debug)]
struct Scraped(Arc<Shown>);

impl Collector for Scraped {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.0.now().encode(&mut encoder)
    }
}

struct Served {
    shown: Arc<Shown>,
    registry: Registry,
}

/// Both pages.
pub(super) fn pages(shown: Shown) -> Router {
    let shown = Arc::new(shown);
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scraped(Arc::clone(&shown))));
    let served = Arc::new(Served { shown, registry });
    Router::new().route("/healthz", get(healthz)).route("/metrics", get(metrics)).with_state(served)
}

async fn healthz(State(served): State<Arc<Served>>) -> impl IntoResponse {
    match served.shown.now().age {
        Some(age) if age < WELL_FOR => (StatusCode::OK, format!("ok: the last good answer is {age} old\n")),
        Some(age) => (StatusCode::SERVICE_UNAVAILABLE, format!("blind: the last good answer is {age} old\n")),
        None => (StatusCode::SERVICE_UNAVAILABLE, "blind: there has been no good answer yet\n".to_owned()),
    }
}

async fn metrics(State(served): State<Arc<Served>>) -> impl IntoResponse {
    let mut page = String::new();
    match text::encode(&mut page, &served.registry) {
        Ok(()) => (StatusCode::OK, [(header::CONTENT_TYPE, OPEN_METRICS)], page),
        // Writing to memory does not fail; a page cut short would be worse than none.
        Err(fmt::Error) => (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "text/plain")], String::new()),
    }
}
