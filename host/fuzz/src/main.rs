//! Drives one target with libFuzzer: `cargo xtask fuzz TARGET`.
#![no_main]

use std::sync::LazyLock;

use host_fuzz::Target;

/// The target that WEFT_FUZZ_TARGET names.
static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("WEFT_FUZZ_TARGET").unwrap_or_default();
    host_fuzz::target(&name).unwrap_or_else(|| panic!("WEFT_FUZZ_TARGET names no target: `{name}`"))
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| (TARGET.run)(data));
