//! A page of a list, by keyset: the last key seen is where the next page begins.

use serde::{Deserialize, Serialize};

/// Which page is asked for.
#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    /// How many items at most; bounded by [`PageRequest::MOST`].
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub after: Option<String>,
}

impl PageRequest {
    /// The most items a page holds.
    pub const MOST: u32 = 1_000;

    /// How many items to fetch.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.limit.unwrap_or(50).clamp(1, Self::MOST)
    }
}

/// One page of a list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// What to ask for next; absent at the end.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The same page of other items.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), next: self.next }
    }
}
