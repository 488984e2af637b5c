//! Events that were sent where there is no host, kept as long as the thread lives, for tests to look at.

use std::cell::RefCell;

pub(crate) use crate::bindings::weft::function::publish::Error;
use crate::bindings::weft::function::types::Output;

thread_local! {
    static SENT: RefCell<Vec<(String, Output)>> = const { RefCell::new(Vec::new()) };
}

#[expect(clippy::unnecessary_wraps, reason = "the host may refuse")]
pub(crate) fn send(to: &str, events: &[Output]) -> Result<(), Error> {
    SENT.with_borrow_mut(|sent| sent.extend(events.iter().map(|event| (to.to_owned(), event.clone()))));
    Ok(())
}

pub(crate) fn take() -> Vec<(String, Output)> {
    SENT.take()
}
