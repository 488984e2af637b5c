//! One page of a list.

use host_core::page;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One page of a list, by keyset: `next` is where the page after begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// What to pass as `after` for the next page; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// A whole list as its only page.
    #[must_use]
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

impl<T, U: From<T>> From<page::Page<T>> for Page<U> {
    fn from(page: page::Page<T>) -> Self {
        Self { items: page.items.into_iter().map(U::from).collect(), next: page.next }
    }
}
