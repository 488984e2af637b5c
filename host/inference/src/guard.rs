//! A fence around tract: it panics on some models, and a model file must never take the host down.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tract_onnx::prelude::TractResult;

/// A message longer than this holds a dump of the model, which helps nobody.
const LONGEST_MESSAGE: usize = 400;

/// Does `work`; an error or a panic becomes a message.
pub(crate) fn guarded<T>(work: impl FnOnce() -> TractResult<T>) -> Result<T, String> {
    // What a panic leaves behind is dropped with the closure, so nothing half-done is seen again.
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(shortened(&format!("{error:#}"))),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            Err(shortened(&format!("panic: {}", text.unwrap_or("without a message"))))
        }
    }
}

/// The message on one line, cut where it would get too long.
fn shortened(message: &str) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use tract_onnx::tract_hir::internal::bail;

    use super::*;

    #[test]
    fn an_error_and_a_panic_become_messages() {
        assert_eq!(guarded(|| Ok(7)), Ok(7));
        assert_eq!(guarded::<()>(|| bail!("two\n  lines")), Err("two lines".to_owned()));
        assert_eq!(guarded::<()>(|| panic!("at the {}", "disco")), Err("panic: at the disco".to_owned()));
        let long = guarded::<()>(|| bail!("é".repeat(1_000))).unwrap_err();
        assert_eq!(long.chars().count(), LONGEST_MESSAGE + 1);
    }
}
