//! Signatures: Ed25519 over the digest of a package's manifest, in a DSSE envelope that anybody's tools can read.

mod envelope;
mod key;
mod verdict;

pub use envelope::{Claim, Envelope, EnvelopeError, MOST_BYTES, sign};
pub use key::{KeyError, SecretKey, public_from_pem, public_to_pem};
pub use verdict::{Refusal, Verdict, judge};

#[cfg(test)]
mod tests;
