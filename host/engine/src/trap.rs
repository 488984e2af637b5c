//! What went wrong inside a guest, in the words of the host.

use std::fmt::Write as _;

use host_capabilities::log::clean;
use host_core::event::{Failure, code};
use host_core::size::ByteSize;
use wasmtime::{PoolConcurrencyLimitError, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::{current::Current, limits::Limiter, supervise::Stopped};

/// How soon it makes sense to try an overloaded function again, milliseconds.
const RETRY_MS: u32 = 1000;

/// The most bytes of a backtrace: the names in it are the component's to choose.
const BACKTRACE_BYTES: usize = 16 << 10;

/// The failure behind an error that left a guest.
pub(crate) fn failure(error: &wasmtime::Error, limiter: &Limiter, current: &Current) -> Failure {
    if error.is::<PoolConcurrencyLimitError>() {
        return overloaded("every instance of this host is taken");
    }
    let mut failure = match error.downcast_ref::<Stopped>() {
        Some(stopped) => self::stopped(*stopped, current),
        None if limiter.denied() => memory_limit(limiter),
        None if is_copy_limit(error) => copy_limit(current),
        None => trap(error, current),
    };
    failure.backtrace = backtrace(error, current);
    failure
}

/// The failure of a guest that was stopped from outside.
pub(crate) fn stopped(stopped: Stopped, current: &Current) -> Failure {
    match stopped {
        Stopped::Deadline => {
            let limit = current.timeout.as_secs_f64();
            let message = format!("it did not answer in time; limits.timeout gives it {limit} s");
            Failure::transient(code::DEADLINE, message)
        }
        Stopped::Cancelled => Failure::transient(code::CANCELLED, "it was cancelled: nobody wants the answer any more"),
    }
}

/// The failure of a call for which there is no room.
pub(crate) fn overloaded(why: &str) -> Failure {
    let failure = Failure::transient(code::OVERLOADED, format!("{why}; try again shortly"));
    Failure { retry_after_ms: Some(RETRY_MS), ..failure }
}

fn memory_limit(limiter: &Limiter) -> Failure {
    let most = ByteSize(limiter.most());
    let message = format!("it wanted more than {most} of memory; limits.memory in function.toml can give it more");
    Failure::transient(code::MEMORY_LIMIT, message)
}

fn copy_limit(current: &Current) -> Failure {
    let most = current.revision.manifest.limits.max_body;
    let message = format!("it handed the host more at once than twice limits.max_body ({most}) allows");
    Failure::transient(code::COPY_LIMIT, message)
}

/// The runtime keeps the type of this error to itself.
fn is_copy_limit(error: &wasmtime::Error) -> bool {
    error.chain().any(|cause| cause.to_string().contains("fuel allocated for hostcalls has been exhausted"))
}

fn trap(error: &wasmtime::Error, current: &Current) -> Failure {
    let mut message = match error.downcast_ref::<I32Exit>() {
        Some(I32Exit(status)) => format!("it called exit({status}) instead of answering"),
        None => format!("it trapped: {}", error.root_cause()),
    };
    if let Some(words) = current.lines().last_words() {
        let _ = write!(message, "; its last words: {words}");
    }
    Failure::transient(code::TRAP, message)
}

/// Where it happened, symbolised, with the call and the revision it happened to.
fn backtrace(error: &wasmtime::Error, current: &Current) -> Option<String> {
    let frames = error.downcast_ref::<WasmBacktrace>().filter(|it| !it.frames().is_empty())?;
    let revision = &current.revision;
    let text = format!(
        "call {} of {} revision {} ({})\n{frames}",
        current.context.id, revision.function, revision.number, revision.id
    );
    Some(clean(&text, BACKTRACE_BYTES))
}
