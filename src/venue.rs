//! Whatever answers requests: the venue's HTTP API, or the simulated venue inside this process.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;

use bytes::Bytes;
use clorebid_core::request::Doubt;

use clorebid_core::event::Event;
use clorebid_core::time::Time;

use crate::clore::Call;
use crate::governor::Slot;
use crate::journal::Journaled;

/// The two methods the venue takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Changes.
    Post,
}

/// A request as it crosses the wire, without the base address and the key.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// GET or POST.
    pub method: Method,
    /// The endpoint's name, such as `spot_marketplace`: no slashes.
    pub endpoint: Cow<'static, str>,
    /// The query, not yet encoded.
    pub query: Vec<(Cow<'static, str>, String)>,
    /// The JSON body. server_config sends one with GET.
    pub body: Option<String>,
}

/// Leaves the body out: it may hold passwords.
impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} {:?}", self.method, self.endpoint, self.query)
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// An HTTP answer, whole.
    Http {
        /// Its status.
        status: u16,
        /// Its body, as it came.
        body: Bytes,
    },
    /// No whole answer.
    None(Doubt),
}

/// Something that answers requests. A request must be journaled and have its slot: both are used up.
pub trait Venue {
    /// Sends one request and waits for its end.
    fn send(&mut self, call: Journaled<Call>, slot: Slot) -> impl Future<Output = Reply>;

    /// What truly happened to our holdings up to `now`, where the venue can tell: it takes the place of what the bot came
    /// to see. `over`: the run ends now.
    fn truth(&mut self, _now: Time, _over: bool) -> Option<Vec<(Time, Event)>> {
        None
    }

    /// Where requests go, for the journal: an address, or the name of a scenario.
    fn name(&self) -> String;
}
