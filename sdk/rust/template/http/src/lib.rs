//! Greets over HTTP.

use serde::{Deserialize, Serialize};
use weft::{
    Failure,
    http::{Request, Response},
};

#[derive(Deserialize)]
struct Guest {
    name: String,
}

#[derive(Serialize)]
struct Greeting {
    greeting: String,
}

#[weft::http]
fn serve(request: Request) -> Result<Response, Failure> {
    match request.method.as_str() {
        "GET" => Ok(Response::text("POST {\"name\": …} to be greeted\n")),
        "POST" => {
            let guest: Guest = request.json()?;
            Response::json(&Greeting { greeting: format!("Hello, {}!", guest.name) })
        }
        _ => Ok(Response::new(405).header("allow", "GET, POST")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_is_greeted_by_name() {
        let response = serve(Request::new("POST", "/").with(r#"{"name":"Ada"}"#)).unwrap();
        assert_eq!((response.status, response.body), (200, br#"{"greeting":"Hello, Ada!"}"#.to_vec()));
    }
}
