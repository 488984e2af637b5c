//! What it takes to wake a function that has no instance left: scaled to zero, and called.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use super::Setting;
use crate::{
    functions::{self, Function},
    host::Host,
    interrupt,
    report::Figure,
    statistics::median,
    subject::Subject,
};

/// The function that is called.
const FUNCTION: &Function = &functions::HTTP;
/// How long an instance may be idle here: shorter than the pause between two calls.
const IDLE: (&str, &str) = ("WEFT_ENGINE__WARM_IDLE", "50ms");
/// The pause before each call that is to find no instance.
const PAUSE: Duration = Duration::from_millis(400);
/// How many calls of either kind.
const CALLS: u32 = 20;

/// Calls with an instance at hand, and after a pause that leaves none: the difference is the way from a request in the host
/// to the guest's entry.
pub(crate) fn measure(setting: Setting<'_>) -> Result<Vec<Figure>> {
    let folder = setting.folder.join(Subject::Wake.name());
    let mut host = Host::start_with(setting.places, &folder, None, &[IDLE])?;
    host.wait_until_ready()?;
    host.deploy(setting.places, FUNCTION)?;
    let (mut warm, mut woken) = (Vec::new(), Vec::new());
    call(&host)?;
    for _ in 0..CALLS {
        interrupt::check()?;
        warm.push(call(&host)?);
        thread::sleep(PAUSE);
        woken.push(call(&host)?);
    }
    let figure = |what: &str, value: f64, note: &str| Figure {
        name: Subject::Wake,
        what: format!("{}: {what}", Subject::Wake.label()),
        value,
        unit: "ms",
        limit: None,
        note: note.to_owned(),
    };
    let warm = median(warm).context("nothing was measured")?;
    let woken = median(woken).context("nothing was measured")?;
    Ok(vec![
        figure("a call with an instance at hand", warm, "as its caller sees it"),
        figure("a call that finds none", woken, "as its caller sees it"),
        figure("from arrival to the guest's entry", woken - warm, "what the second takes longer"),
    ])
}

/// How long a call takes, milliseconds.
fn call(host: &Host) -> Result<f64> {
    let asked = Instant::now();
    let answer = host.get(&FUNCTION.path("/hello")).context("the function was called")?;
    ensure!(answer.status == 200, "the function answers {}: {}", answer.status, answer.text.trim());
    Ok(asked.elapsed().as_secs_f64() * 1e3)
}
