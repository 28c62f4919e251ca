//! What stands in a message: its title, its lines, and the JSON of a webhook.

use serde::Serialize;

use super::{About, Shared};
use crate::clock::rfc3339;

/// A message in the words of no receiver in particular.
pub(super) struct Wording<'a> {
    about: &'a About,
    news: &'a [Shared],
}

/// The body of a webhook that has no template.
#[derive(Serialize)]
struct Body<'a> {
    title: String,
    text: String,
    strategy: &'a str,
    mode: &'a str,
    events: Vec<BodyEvent<'a>>,
}

#[derive(Serialize)]
struct BodyEvent<'a> {
    event: &'static str,
    at: String,
    target: Option<&'a str>,
    server: Option<u64>,
    text: &'a str,
}

impl<'a> Wording<'a> {
    /// The message that tells of all this, oldest first.
    pub(super) fn new(about: &'a About, news: &'a [Shared]) -> Wording<'a> {
        Wording { about, news }
    }

    /// The strategy and the mode: paper money must not be taken for real money.
    pub(super) fn title(&self) -> String {
        format!("clorebid: {} ({})", self.about.strategy, self.about.mode)
    }

    /// One line for each thing that happened; what would not fit into so many bytes is counted instead.
    pub(super) fn lines(&self, bytes_max: usize) -> String {
        let mut text = String::new();
        for (index, news) in self.news.iter().enumerate() {
            let line = format!("{} {}", time_of_day(&rfc3339(news.at)), news.text);
            let left = self.news.len() - index;
            let more = format!("\n… and {left} more");
            if index == 0 {
                // Room is left for the count in any case, so that it needs no second look.
                text.push_str(cut(&line, bytes_max.saturating_sub(more.len())));
            } else if text.len() + 1 + line.len() + more.len() <= bytes_max {
                text.push('\n');
                text.push_str(&line);
            } else {
                return text + &more;
            }
        }
        text
    }

    /// The names of what happened, each once.
    pub(super) fn events(&self) -> String {
        let mut names: Vec<&str> = Vec::new();
        for news in self.news {
            if !names.contains(&news.code()) {
                names.push(news.code());
            }
        }
        names.join(",")
    }

    /// When the last of it happened.
    pub(super) fn at(&self) -> String {
        self.news.last().map(|news| rfc3339(news.at)).unwrap_or_default()
    }

    /// Whether somebody may have to do something about it.
    pub(super) fn is_bad(&self) -> bool {
        self.news.iter().any(|news| news.occasion.is_some_and(crate::strategy::Occasion::is_bad))
    }

    pub(super) fn about(&self) -> &'a About {
        self.about
    }

    /// Everything as JSON.
    pub(super) fn json(&self) -> String {
        let event = |news: &'a Shared| BodyEvent {
            event: news.code(),
            at: rfc3339(news.at),
            target: news.target.as_deref(),
            server: news.server.map(|server| server.0),
            text: &news.text,
        };
        let body = Body {
            title: self.title(),
            text: self.lines(usize::MAX),
            strategy: &self.about.strategy,
            mode: self.about.mode,
            events: self.news.iter().map(event).collect(),
        };
        // Proof: texts, numbers and lists of these are always JSON.
        serde_json::to_string(&body).unwrap_or_default()
    }
}

fn time_of_day(rfc3339: &str) -> String {
    format!("{}Z", rfc3339.get(11..19).unwrap_or_default())
}

/// The beginning of a text that has so many bytes at most.
pub(super) fn cut(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use clorebid_core::time::Time;

    use super::*;
    use crate::notify::News;
    use crate::strategy::Occasion;

    #[test]
    fn what_does_not_fit_is_counted() {
        let about = About { strategy: "s".to_owned(), mode: "paper", only_observes: false };
        let of = |text: String| Arc::new(News::of_the_run(Occasion::Lost, Time::from_ms(1_000), text));
        let news: Vec<Shared> = (0..40).map(|n| of(format!("number {n} é"))).collect();
        let wording = Wording::new(&about, &news);
        let all = wording.lines(usize::MAX);
        assert_eq!(all.lines().count(), 40);
        for most in 60..all.len() + 1 {
            let lines = wording.lines(most);
            assert!(lines.len() <= most, "{most}: {lines}");
            let told = lines.lines().filter(|line| line.contains("number")).count();
            let more =
                lines.lines().last().and_then(|line| line.strip_prefix("… and ")?.strip_suffix(" more")?.parse().ok());
            assert_eq!(told + more.unwrap_or(0), 40, "{most}: {lines}");
        }
        let long = [of("é".repeat(5_000))];
        assert!(Wording::new(&about, &long).lines(2_000).len() <= 2_000);
    }
}
