//! Greets by name.

use serde::{Deserialize, Serialize};
use weft::{Event, Failure, Output};

#[derive(Deserialize)]
struct Guest {
    name: String,
}

#[derive(Debug, PartialEq, Serialize)]
struct Greeting {
    greeting: String,
}

#[weft::handler]
fn greet(event: Event<Guest>) -> Result<Output<Greeting>, Failure> {
    let name = event.data.name;
    if name.is_empty() {
        return Err(Failure::invalid("no-name", "nobody is called nothing"));
    }
    weft::info!({ name = name }, "somebody was greeted");
    Ok(Output::new("guest.greeted", Greeting { greeting: format!("Hello, {name}!") }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_is_greeted_by_name() {
        let output = greet(Event::new("guest.arrived", Guest { name: "Ada".to_owned() })).unwrap();
        assert_eq!(output.data, Greeting { greeting: "Hello, Ada!".to_owned() });
    }
}
