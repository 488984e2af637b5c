//! `function.toml`, and the same as JSON.

use host_core::manifest::Manifest;

/// A manifest that is accepted means the same after it was stored and read again.
pub(crate) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(manifest) = Manifest::parse(text) {
        let json = serde_json::to_string(&manifest).expect("a manifest is JSON");
        let again: Manifest = serde_json::from_str(&json).expect("a stored manifest is read again");
        again.check().expect("a checked manifest passes again");
        assert_eq!(serde_json::to_string(&again).ok(), Some(json), "a manifest changes when it is stored");
    }
    if let Ok(manifest) = serde_json::from_str::<Manifest>(text) {
        let _ = manifest.check();
    }
}
