//! A handler that opens connections, and tries what no function may.

use std::{
    io::{self, Read as _, Write as _},
    net::{TcpListener, TcpStream, UdpSocket},
};

use serde::Deserialize;
use serde_json::{Value, json};
use weft::{Event, Failure, Output};

/// What to try.
#[derive(Deserialize)]
#[serde(tag = "try", rename_all = "lowercase")]
enum Attempt {
    /// Connect, say something, and hear what is answered.
    Say { to: String, text: String },
    /// Open so many connections, one beside the other; how many there are then.
    Hold { to: String, count: usize },
    /// Wait for others to connect.
    Listen { at: String },
    /// Send a datagram.
    Datagram { to: String },
}

#[weft::handler]
fn attempt(event: Event<Attempt>) -> Result<Output<Value>, Failure> {
    let came = match event.data {
        Attempt::Say { to, text } => say(&to, &text).map(|heard| json!({ "heard": heard })),
        Attempt::Hold { to, count } => Ok(json!({ "held": hold(&to, count) })),
        Attempt::Listen { at } => TcpListener::bind(at).map(|_| json!("listening")),
        Attempt::Datagram { to } => datagram(&to).map(|()| json!("sent")),
    };
    Ok(Output::of(came.unwrap_or_else(|error| json!({ "error": error.kind().to_string() }))))
}

fn say(to: &str, text: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(to)?;
    stream.write_all(text.as_bytes())?;
    let mut heard = String::new();
    stream.read_to_string(&mut heard)?;
    Ok(heard)
}

fn hold(to: &str, count: usize) -> usize {
    let held: Vec<TcpStream> = (0..count).map_while(|_| TcpStream::connect(to).ok()).collect();
    held.len()
}

fn datagram(to: &str) -> io::Result<()> {
    UdpSocket::bind("0.0.0.0:0")?.send_to(b"hello", to)?;
    Ok(())
}
