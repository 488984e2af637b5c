//! This room from outside: models by onnxruntime's answers, hostile files, and serving with a registry next door.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

mod it {
    mod fixtures;
    mod hostile;
    mod joined;
    mod memory;
    mod reference;
    mod registry;
    mod requests;
    mod serving;
}
