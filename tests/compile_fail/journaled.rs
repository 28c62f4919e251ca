//! A request cannot be called journaled outside the journal: whoever could might send what is not on record.

use clorebid::journal::Journaled;
use clorebid::wire::HttpRequest;

fn claimed(request: HttpRequest) -> Journaled<HttpRequest> {
    Journaled(request)
}

fn main() {
    let _claimed = claimed;
}
