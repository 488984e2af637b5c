//! The machine that measured: numbers mean nothing without it.

use std::{fs, thread};

use serde::Serialize;

/// What the numbers depend on.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    /// The CPU's model.
    pub(crate) cpu: String,
    /// How many cores we may use.
    pub(crate) cores: usize,
    /// How much memory there is, GiB.
    pub(crate) memory_gib: u64,
    /// The kernel's release.
    pub(crate) kernel: String,
    /// The load average over the minute before: more than nothing disturbs the numbers.
    pub(crate) load_before: String,
    /// The profile that this program was built with, by the name of its folder; the numbers of `debug` mean nothing.
    pub(crate) build: String,
}

impl Machine {
    /// The one we are on.
    pub(crate) fn here() -> Self {
        let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
        let memory_kib = field(&read("/proc/meminfo"), "MemTotal").and_then(|it| first_word(&it).parse::<u64>().ok());
        Self {
            cpu: field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores: thread::available_parallelism().map_or(1, std::num::NonZero::get),
            memory_gib: memory_kib.unwrap_or(0).div_ceil(1 << 20),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load_before: first_word(&read("/proc/loadavg")).to_owned(),
            build: profile().unwrap_or_else(|| "unknown".to_owned()),
        }
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { cpu, cores, memory_gib, kernel, load_before, build } = self;
        write!(f, "{cpu}, {cores} cores, {memory_gib} GiB, Linux {kernel}, load before {load_before}, {build} build")
    }
}

fn profile() -> Option<String> {
    let program = std::env::current_exe().ok()?;
    Some(program.parent()?.file_name()?.to_str()?.to_owned())
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

/// The value of the first line `name : value`.
fn field(text: &str, name: &str) -> Option<String> {
    let values = text.lines().filter_map(|line| line.split_once(':'));
    values.filter(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned()).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_is_named_once() {
        let text = "processor\t: 0\nmodel name\t: AMD EPYC\n\nprocessor\t: 1\nmodel name\t: AMD EPYC\n";
        assert_eq!(field(text, "model name").as_deref(), Some("AMD EPYC"));
    }
}
