//! Connections that are kept, and whose they are.

use host_capabilities::http::{Config, SendError};

use crate::support::{HELLO, Names, Server, client, policy, send, text};

fn entry(server: &Server) -> (String, String) {
    let url = format!("http://127.0.0.1:{}", server.port());
    (format!("{{ url = \"{url}\", private = true }}"), format!("GET {url}/"))
}

#[tokio::test]
async fn a_connection_is_used_again_by_its_function_and_by_no_other() {
    let server = Server::saying(HELLO).await;
    let (entry, request) = entry(&server);
    let client = client(Names::of(&[]), Config::default());
    let (one, other) = (client.reach(policy(&entry)), client.reach(policy(&entry)));
    for _ in 0..5 {
        assert_eq!(text(&one, &request).await.unwrap(), "hello");
    }
    assert_eq!(server.accepted(), 1);
    assert_eq!(text(&other, &request).await.unwrap(), "hello");
    assert_eq!(server.accepted(), 2);
    let totals = client.totals();
    assert_eq!((totals.requests, totals.failed, totals.received), (6, 0, 30));
}

#[tokio::test]
async fn requests_of_one_function_wait_for_their_turn_and_give_up_in_time() {
    let server = Server::saying(HELLO).await;
    let (entry, request) = entry(&server);
    let config = Config { per_function: 1, connect: host_core::size::Millis(500), ..Config::default() };
    let client = client(Names::of(&[]), config);
    let reach = client.reach(policy(&entry));
    let first = send(&reach, &request, "").await.unwrap();
    assert_eq!(text(&reach, &request).await.unwrap_err(), SendError::Busy);
    assert_eq!(text(&client.reach(policy(&entry)), &request).await.unwrap(), "hello", "others have turns of their own");
    drop(first);
    assert_eq!(text(&reach, &request).await.unwrap(), "hello");
}

#[tokio::test]
async fn a_host_has_so_many_connections_and_no_more() {
    let server = Server::saying(HELLO).await;
    let (entry, request) = entry(&server);
    let config = Config { connections: 1, connect: host_core::size::Millis(500), ..Config::default() };
    let client = client(Names::of(&[]), config);
    let (one, other) = (client.reach(policy(&entry)), client.reach(policy(&entry)));
    assert_eq!(text(&one, &request).await.unwrap(), "hello");
    assert!(matches!(text(&other, &request).await.unwrap_err(), SendError::ConnectTimeout(_)));
    drop(one);
    assert_eq!(text(&other, &request).await.unwrap(), "hello", "connections close with their function");
}
