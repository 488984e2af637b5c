//! What a recorded run depends on beside its inputs: the release of wasmtime and the features of the CPU.

use std::fs;

use crate::Config;

/// The wasmtime this host is built with; the manifest pins it to exactly this.
pub(crate) const WASMTIME: &str = "wasmtime 48.0.8";

/// Memory maps a slot may need: its own, and those of an instance in it.
const MAPS_PER_SLOT: u64 = 6;

/// Memory maps of a loaded function.
const MAPS_PER_FUNCTION: u64 = 3;

/// Memory maps of everything else in the process.
const MAPS_OF_THE_REST: u64 = 4000;

/// Names the features by which code or kernels are chosen at run time.
macro_rules! features {
    ($($name:tt),* $(,)?) => {
        [$(($name, std::arch::is_x86_feature_detected!($name))),*]
    };
}

/// The CPU's architecture and those of its features that change how code is compiled or computed.
#[cfg(target_arch = "x86_64")]
pub(crate) fn cpu() -> String {
    let known = features!(
        "sse3",
        "ssse3",
        "sse4.1",
        "sse4.2",
        "popcnt",
        "avx",
        "avx2",
        "fma",
        "bmi1",
        "bmi2",
        "lzcnt",
        "f16c",
        "avx512f",
        "avx512bw",
        "avx512dq",
        "avx512vl",
        "avx512bitalg",
        "avx512vbmi",
    );
    known.iter().filter(|(_, there)| *there).fold("x86_64".to_owned(), |text, (name, _)| text + " " + name)
}

/// The CPU's architecture.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn cpu() -> String {
    std::env::consts::ARCH.to_owned()
}

/// What an operator should know about this machine.
pub(crate) fn warnings(config: &Config, slots: u32) -> Vec<String> {
    [few_slots(config, slots), few_maps(config, slots), costly_errors()].into_iter().flatten().collect()
}

fn few_slots(config: &Config, slots: u32) -> Option<String> {
    (slots < config.slots).then(|| {
        let wanted = config.slots;
        format!("this machine has room for {slots} instance slots, not the {wanted} configured; is a limit on virtual memory set (ulimit -v)?")
    })
}

fn few_maps(config: &Config, slots: u32) -> Option<String> {
    let most: u64 = fs::read_to_string("/proc/sys/vm/max_map_count").ok()?.trim().parse().ok()?;
    let needed = u64::from(slots) * MAPS_PER_SLOT + config.loaded as u64 * MAPS_PER_FUNCTION + MAPS_OF_THE_REST;
    (needed > most).then(|| {
        format!("{slots} slots and {} loaded functions may need {needed} memory maps, and vm.max_map_count is {most}: run `sysctl -w vm.max_map_count=1048576`, or lower engine.slots or engine.loaded", config.loaded)
    })
}

/// With these variables every error captures the host's own backtrace, which no one reads and every trap pays for.
fn costly_errors() -> Option<String> {
    let set = |name: &str| std::env::var_os(name).filter(|value| value != "0").is_some();
    let captured = match std::env::var_os("RUST_LIB_BACKTRACE") {
        Some(value) => value != "0",
        None => set("RUST_BACKTRACE"),
    };
    captured.then(|| "RUST_BACKTRACE makes every guest error slow: set RUST_LIB_BACKTRACE=0 as well".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runtime_is_the_one_that_is_pinned() {
        let version = WASMTIME.trim_start_matches("wasmtime ");
        let workspace = include_str!("../../../Cargo.toml");
        assert!(workspace.contains(&format!("\nwasmtime = {{ version = \"={version}\"")), "{WASMTIME}");
    }
}
