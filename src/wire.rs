//! What crosses the wire between us and a venue: a request of HTTP, and what came back, or that nothing did.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use clorebid_core::request::Doubt;

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

impl Reply {
    /// A reply as it is on record: with a status it was whole; without one the recorded code of the doubt says why there
    /// is none.
    pub fn recorded(status: Option<u16>, body: Bytes, error: Option<&str>) -> Reply {
        match status {
            Some(status) => Reply::Http { status, body },
            None => {
                let known =
                    [Doubt::Unreachable, Doubt::TimedOut, Doubt::Broken, Doubt::Interrupted, Doubt::NotRecorded];
                Reply::None(known.into_iter().find(|d| error == Some(d.code())).unwrap_or(Doubt::Broken))
            }
        }
    }
}
