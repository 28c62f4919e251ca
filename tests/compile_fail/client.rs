//! The client sends nothing for whoever has a request alone: not by its own method, and not as a venue.

use clorebid::client::Client;
use clorebid::session::Venue;
use clorebid::wire::HttpRequest;

async fn past_the_session(client: &Client, request: &HttpRequest) {
    let _reply = client.exchange(request).await;
}

async fn past_the_record(client: &mut Client, request: HttpRequest) {
    let _reply = client.send(request).await;
}

fn main() {
    let _ways = (past_the_session, past_the_record);
}
