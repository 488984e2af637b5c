//! The memory an instance may hold, and what it held at most.

use wasmtime::ResourceLimiter;

/// What a table element costs the host.
const ELEMENT_BYTES: usize = 16;

/// Bounds the memory of one instance. It notes a denial, because a guest answers one with a mere trap.
#[derive(Debug)]
pub(crate) struct Limiter {
    most: u64,
    held: u64,
    denied: bool,
}

impl Limiter {
    /// At most `most` bytes of linear memory and tables together.
    pub(crate) fn new(most: u64) -> Self {
        Self { most, held: 0, denied: false }
    }

    /// The most it may hold.
    pub(crate) fn most(&self) -> u64 {
        self.most
    }

    /// What it holds; linear memory never shrinks, so this is also the most it ever held.
    pub(crate) fn held(&self) -> u64 {
        self.held
    }

    /// Whether it wanted more than it may have.
    pub(crate) fn denied(&self) -> bool {
        self.denied
    }

    fn grow(&mut self, by: usize) -> bool {
        let wanted = self.held.saturating_add(by as u64);
        if wanted > self.most {
            self.denied = true;
            return false;
        }
        self.held = wanted;
        true
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        // Growth beyond the memory's own maximum fails anyway and is the guest's affair.
        if maximum.is_some_and(|most| desired > most) {
            self.denied |= desired as u64 > self.most;
            return Ok(false);
        }
        Ok(self.grow(desired.saturating_sub(current)))
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.grow(desired.saturating_sub(current).saturating_mul(ELEMENT_BYTES)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_is_remembered_and_memories_add_up() {
        let mut limiter = Limiter::new(10 << 16);
        assert!(limiter.memory_growing(0, 6 << 16, None).unwrap());
        assert!(limiter.memory_growing(0, 4 << 16, None).unwrap());
        assert_eq!((limiter.held(), limiter.denied()), (10 << 16, false));
        assert!(!limiter.memory_growing(4 << 16, 5 << 16, None).unwrap());
        assert_eq!((limiter.held(), limiter.denied()), (10 << 16, true));
    }
}
