//! No bytes whatever, as the answer to any request, make the reader panic, or a command applied without the venue's own
//! word. The first byte picks the request, the second the status.

use clorebid::api;
use clorebid::core::ids::{OrderId, ServerId, TargetId};
use clorebid::core::money::Price;
use clorebid::core::request::{Answer, Request};
use clorebid::wire::Reply;

const STATUSES: [u16; 8] = [200, 200, 200, 400, 429, 500, 502, 0];

fn requests() -> [Request; 8] {
    let (server, order, bid) = (ServerId(6), OrderId(39), Price::parse("0.00001").unwrap_or(Price::ZERO));
    [
        Request::Marketplace,
        Request::SpotMarket { server },
        Request::MyOrders,
        Request::AllOrders,
        Request::Wallets,
        Request::Create { server, target: TargetId(0), bid },
        Request::Reprice { server, order, from: bid, to: Price::ZERO },
        Request::Cancel { server, order },
    ]
}

pub(crate) fn check(bytes: &[u8]) {
    let [which, status, body @ ..] = bytes else { return };
    let request = requests()[usize::from(*which) % 8];
    let body = body.to_vec().into();
    let reply = Reply::Http { status: STATUSES[usize::from(*status) % 8], body };
    let answer = api::decode(&request, &reply);
    let Reply::Http { body, .. } = &reply else { return };
    if request.is_command() && answer == Answer::Applied {
        let text = String::from_utf8_lossy(body);
        assert!(text.contains("code") && text.contains('0'), "{request:?} applied by {text}");
    }
    assert_eq!(api::decode(&request, &reply), answer, "the same bytes mean the same");
}
