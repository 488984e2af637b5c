//! Adds totals, a region and a key to orders.

use serde::{Deserialize, Serialize};
use weft::{Event, Failure, Output};

/// An order as a shop sends it.
#[derive(Debug, Deserialize)]
struct Order {
    order: String,
    customer: String,
    /// ISO 3166, two letters.
    country: String,
    lines: Vec<Line>,
}

#[derive(Debug, Deserialize)]
struct Line {
    quantity: u32,
    /// The price of one.
    cents: u64,
}

/// The order, with what can be known from it alone.
#[derive(Debug, PartialEq, Serialize)]
struct Enriched {
    order: String,
    customer: String,
    region: &'static str,
    pieces: u64,
    total_cents: u64,
}

/// What is enriched is keyed by customer, so that one customer's orders stay in order downstream.
#[weft::handler]
fn enrich(event: Event<Order>) -> Result<Output<Enriched>, Failure> {
    let order = event.data;
    if order.lines.is_empty() {
        return Err(Failure::invalid("no-lines", format!("order `{}` has no lines", order.order)));
    }
    let total_cents = total(&order.lines)
        .ok_or_else(|| Failure::invalid("too-much", format!("the total of order `{}` is out of range", order.order)))?;
    let enriched = Enriched {
        region: region(&order.country),
        pieces: order.lines.iter().map(|line| u64::from(line.quantity)).sum(),
        total_cents,
        order: order.order,
        customer: order.customer,
    };
    weft::info!({ order = enriched.order, total_cents = total_cents }, "order enriched");
    let key = enriched.customer.clone();
    Ok(Output::new("order.enriched", enriched).key(key))
}

fn total(lines: &[Line]) -> Option<u64> {
    lines.iter().try_fold(0_u64, |sum, line| sum.checked_add(line.cents.checked_mul(u64::from(line.quantity))?))
}

fn region(country: &str) -> &'static str {
    match country {
        "AT" | "CH" | "DE" => "dach",
        "DK" | "FI" | "IS" | "NO" | "SE" => "nordics",
        "CA" | "MX" | "US" => "north-america",
        _ => "world",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enriched(order: serde_json::Value) -> Result<Output<Enriched>, Failure> {
        enrich(Event::new("order.placed", serde_json::from_value(order).unwrap()))
    }

    #[test]
    fn totals_a_region_and_a_key_are_added() {
        let output = enriched(serde_json::json!({
            "order": "o-1", "customer": "c-7", "country": "SE",
            "lines": [{ "quantity": 2, "cents": 250 }, { "quantity": 1, "cents": 99 }],
        }))
        .unwrap();
        assert_eq!((output.data.total_cents, output.data.pieces, output.data.region), (599, 3, "nordics"));
        assert_eq!(output.key.as_deref(), Some(b"c-7".as_slice()));
    }

    #[test]
    fn an_order_that_cannot_be_added_up_is_invalid() {
        let order = |lines| serde_json::json!({ "order": "o", "customer": "c", "country": "SE", "lines": lines });
        assert_eq!(enriched(order(serde_json::json!([]))).unwrap_err().code, "no-lines");
        let huge = serde_json::json!([{ "quantity": 2, "cents": u64::MAX }]);
        assert_eq!(enriched(order(huge)).unwrap_err().code, "too-much");
    }
}
