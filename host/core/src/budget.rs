//! Bytes that may be held at once, all holders together: what keeps many bodies, each within its own bound, from
//! filling the host's memory.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::size::ByteSize;

/// What is left of a number of bytes. Nobody waits for it: what does not fit is refused.
#[derive(Debug)]
pub struct Budget {
    whole: u64,
    left: AtomicU64,
}

/// There is not that much left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("all {0} bytes that this host holds of bodies are taken")]
pub struct Exhausted(pub u64);

impl Budget {
    /// A budget that nobody has taken from.
    #[must_use]
    pub fn new(whole: ByteSize) -> Arc<Self> {
        Arc::new(Self { whole: whole.0, left: AtomicU64::new(whole.0) })
    }

    /// How much is left.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }

    /// A part of it that can grow; nothing yet.
    #[must_use]
    pub fn part(self: &Arc<Self>) -> Part {
        Part { budget: Some(Arc::clone(self)), held: 0 }
    }

    fn take(&self, bytes: u64) -> bool {
        let taken = |left: u64| left.checked_sub(bytes);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).is_ok()
    }
}

/// What somebody holds of a budget; given back when dropped.
#[derive(Debug)]
pub struct Part {
    /// None where nothing will ever be held: counting the holders of one budget would have them wait for each other.
    budget: Option<Arc<Budget>>,
    held: u64,
}

impl Part {
    /// The part of who holds nothing and never will.
    #[must_use]
    pub fn nothing() -> Self {
        Self { budget: None, held: 0 }
    }

    /// Takes more.
    ///
    /// # Errors
    /// When there is not that much left; what is held already stays held.
    pub fn grow(&mut self, bytes: u64) -> Result<(), Exhausted> {
        let budget = self.budget.as_ref().ok_or(Exhausted(0))?;
        if !budget.take(bytes) {
            return Err(Exhausted(budget.whole));
        }
        self.held = self.held.saturating_add(bytes);
        Ok(())
    }

    /// How much is held.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.held
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Some(budget) = &self.budget {
            budget.left.fetch_add(self.held, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_grow_until_nothing_is_left_and_give_back_what_they_held() {
        let budget = Budget::new(ByteSize(10));
        let (mut one, mut other) = (budget.part(), budget.part());
        assert_eq!((one.grow(6), other.grow(4), one.grow(0)), (Ok(()), Ok(()), Ok(())));
        assert_eq!((one.grow(1), budget.left(), one.held()), (Err(Exhausted(10)), 0, 6));
        drop(other);
        assert_eq!((one.grow(5), one.grow(4), budget.left()), (Err(Exhausted(10)), Ok(()), 0));
        drop(one);
        assert_eq!(budget.left(), 10);
        assert_eq!(Part::nothing().grow(1), Err(Exhausted(0)));
    }
}
