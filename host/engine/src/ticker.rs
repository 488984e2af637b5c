//! The thread that lets time pass for guests: it ticks the epochs and sweeps out instances that waited too long.

use std::{
    sync::{Arc, Weak},
    thread,
    time::Duration,
};

/// How often idle instances are looked for.
const SWEEP: Duration = Duration::from_secs(1);

/// What the ticker drives.
pub(crate) trait Ticked: Send + Sync + 'static {
    /// A tick has passed.
    fn tick(&self);

    /// A good moment to drop what nobody used for long.
    fn sweep(&self);
}

/// Ticks `driven` for as long as anybody else holds it.
pub(crate) fn start(driven: &Arc<impl Ticked>, tick: Duration) -> std::io::Result<()> {
    let driven = Arc::downgrade(driven);
    let tick = tick.max(Duration::from_millis(1));
    thread::Builder::new().name("weft-ticker".into()).spawn(move || run(&driven, tick)).map(drop)
}

fn run(driven: &Weak<impl Ticked>, tick: Duration) {
    let mut since_sweep = Duration::ZERO;
    loop {
        thread::sleep(tick);
        let Some(driven) = driven.upgrade() else { return };
        driven.tick();
        since_sweep += tick;
        if since_sweep >= SWEEP {
            since_sweep = Duration::ZERO;
            driven.sweep();
        }
    }
}
