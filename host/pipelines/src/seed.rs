//! The seed of a step: from the run's seed, the step and its trial, never from the attempt or the run's identity.

use host_core::Digest;

/// What all randomness of a step derives from.
#[must_use]
pub fn step_seed(run_seed: u64, step: &str, trial: Option<u32>) -> u64 {
    let trial = trial.map_or(String::new(), |it| it.to_string());
    let digest = Digest::of(format!("weft seed\n{run_seed}\n{step}\n{trial}").as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&digest.as_raw()[..8]);
    // 53 bits survive every JSON reader.
    u64::from_le_bytes(first) >> 11
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trials_differ_and_repeats_agree() {
        assert_eq!(step_seed(1, "train", Some(0)), step_seed(1, "train", Some(0)));
        assert_ne!(step_seed(1, "train", Some(0)), step_seed(1, "train", Some(1)));
        assert_ne!(step_seed(1, "train", None), step_seed(2, "train", None));
    }
}
