//! Opaque secrets: the guest holds a placeholder, and the host sends the value only where the grant says.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    thread,
};

use super::{logged, set};
use crate::support::Host;

/// What the guest holds. The guest of these tests unescapes nothing, and these characters pass in a query as they are.
const PLACEHOLDER: &str = "{{weft-secret:api-key}}";

/// A server that answers every request with the field `x-key` it came with.
fn mirror() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    thread::spawn(move || listener.incoming().flatten().for_each(|stream| reflect(&stream)));
    authority
}

fn reflect(mut stream: &TcpStream) {
    let lines = BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let key = lines.filter_map(|line| Some(line.strip_prefix("x-key: ")?.to_owned())).last().unwrap_or_default();
    let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", key.len());
    // A client that has gone needs no answer.
    let _ = stream.write_all(format!("{head}{key}").as_bytes());
}

fn grants(secret: &str, one: &str, other: &str) -> String {
    let url = |it: &str| format!("{{ url = \"http://{it}\", private = true }}");
    format!("[grants]\nhttp = [{}, {}]\nsecret = [{secret}]\n", url(one), url(other))
}

#[test]
fn a_value_goes_only_where_the_grant_says() {
    let (granted, other) = (mirror(), mirror());
    let host = Host::start();
    set(&host, "set", "api-key", "canary-key-51");
    let secret = format!("{{ name = \"api-key\", to = [\"http://{granted}\"] }}");
    host.deploy("site", "conformance_http.wasm", &grants(&secret, &granted, &other));
    let ask = |authority: &str, header: &str| {
        host.get(&format!("/fn/site/outgoing?authority={authority}&text=1&header=x-key:{header}")).1
    };
    assert_eq!(ask(&granted, "nothing"), "200 nothing", "what is no placeholder goes as it is");
    assert_eq!(ask(&granted, PLACEHOLDER), "200 canary-key-51");
    assert_eq!(ask(&other, PLACEHOLDER), "error: ErrorCode::HttpRequestDenied");
    logged(&host, "site", &format!("secret = [{{ name = \"api-key\", to = [\"http://{other}\"] }}]"));
}
