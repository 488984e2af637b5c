//! Randomness that a seed decides: every source there is, each its own stream.

use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore as _, SeedableRng as _},
};
use sha2::{Digest as _, Sha256};
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};

use crate::guest::Guest;

/// The most bytes of one question.
const MOST: u64 = 16 << 20;

/// The sources of one job.
pub(super) struct Random {
    secure: ChaCha20Rng,
    insecure: ChaCha20Rng,
    insecure_seed: (u64, u64),
}

impl Random {
    pub(super) fn from_seed(seed: u64) -> Self {
        // Spelled out, so that no release of a library can change what a seed means.
        let key: [u8; 32] = Sha256::new().chain_update(b"weft job").chain_update(seed.to_le_bytes()).finalize().into();
        let source = |number| {
            let mut source = ChaCha20Rng::from_seed(key);
            source.set_stream(number);
            source
        };
        let mut seeds = source(2);
        Self { secure: source(0), insecure: source(1), insecure_seed: (seeds.next_u64(), seeds.next_u64()) }
    }
}

fn bytes(source: &mut ChaCha20Rng, length: u64) -> wasmtime::Result<Vec<u8>> {
    if length > MOST {
        wasmtime::bail!("{length} random bytes were asked for at once; {MOST} are the most");
    }
    let mut bytes = vec![0; usize::try_from(length)?];
    source.fill_bytes(&mut bytes);
    Ok(bytes)
}

impl random::Host for Guest {
    fn get_random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        bytes(&mut self.sandbox()?.random.secure, length)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.sandbox()?.random.secure.next_u64())
    }
}

impl insecure::Host for Guest {
    fn get_insecure_random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        bytes(&mut self.sandbox()?.random.insecure, length)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.sandbox()?.random.insecure.next_u64())
    }
}

impl insecure_seed::Host for Guest {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        Ok(self.sandbox()?.random.insecure_seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A recorded run must mean the same under every later release, so the first numbers are written down here.
    #[test]
    fn a_seed_means_the_same_for_ever() {
        let mut random = Random::from_seed(7);
        let first = [random.secure.next_u64(), random.insecure.next_u64(), random.insecure_seed.0];
        assert_eq!(first, [10_100_690_560_695_256_299, 11_568_083_728_467_039_556, 15_350_221_715_339_726_251]);
        assert_ne!(first[0], first[1], "the sources are independent");
        assert_ne!(first[0], Random::from_seed(8).secure.next_u64());
    }
}
