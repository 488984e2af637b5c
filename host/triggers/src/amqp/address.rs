//! Where messages are sent: a queue, or an exchange with a routing key.

use std::fmt;

use lapin::types::ShortString;

/// Where a message is sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Address {
    /// The exchange; the default one, when empty.
    pub(super) exchange: ShortString,
    /// The routing key; the queue's name, by the default exchange.
    pub(super) key: ShortString,
}

impl Address {
    /// `queue`, or `exchange/routing.key`. What follows a leading `/` is the name of a queue that holds one itself.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (exchange, key) = text.split_once('/').unwrap_or(("", text));
        if exchange.is_empty() && key.is_empty() {
            return Err(format!("`{text}` names no queue: write `queue` or `exchange/routing.key`"));
        }
        let short = |text: &str| short(text).ok_or_else(|| format!("`{text}` is longer than 255 bytes"));
        Ok(Self { exchange: short(exchange)?, key: short(key)? })
    }

    /// A queue, whatever its name.
    pub(super) fn queue(name: &ShortString) -> Self {
        Self { exchange: ShortString::default(), key: name.clone() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.exchange.as_str(), self.key.as_str()) {
            ("", queue) => write!(f, "queue `{queue}`"),
            (exchange, key) => write!(f, "exchange `{exchange}` with the key `{key}`"),
        }
    }
}

/// A text as the protocol's short one. The library's own conversions panic beyond 255 bytes.
pub(super) fn short(text: &str) -> Option<ShortString> {
    ShortString::try_new(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_queue_or_an_exchange_with_a_key() {
        let parse = |text| Address::parse(text).map(|it| it.to_string());
        assert_eq!(parse("orders").unwrap(), "queue `orders`");
        assert_eq!(parse("events/order.created").unwrap(), "exchange `events` with the key `order.created`");
        assert_eq!(parse("events/").unwrap(), "exchange `events` with the key ``");
        assert_eq!(parse("/a/b").unwrap(), "queue `a/b`");
        assert!(parse("/").is_err() && parse("").is_err());
        assert!(parse(&"x".repeat(256)).is_err());
    }
}
