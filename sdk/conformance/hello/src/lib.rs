//! A handler that greets, or gives back what it gets, and imports no more than that takes: for the benchmarks of hosts,
//! whose fresh instances cost what they import.

use weft::{Event, Failure, Output};

#[weft::handler]
fn hello(event: Event<Vec<u8>>) -> Result<Output<Vec<u8>>, Failure> {
    if event.kind != "echo" {
        return Ok(Output::of(b"Hello, World!".to_vec()).content_type("text/plain"));
    }
    Ok(Output { content_type: event.content_type, ..Output::of(event.data) })
}
