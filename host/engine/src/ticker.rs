//! The thread that lets time pass for guests: it ticks the epochs and sweeps out instances that waited too long.

use std::{
    sync::{Arc, Weak},
    thread,
    time::Duration,
};

/// How often idle instances are looked for.
const SWEEP: Duration = Duration::from_secs(1);

/// What ticks. Every call holds it, so that a guest can still be stopped when nobody else holds the engine.
pub(crate) struct Epochs(pub(crate) [wasmtime::Engine; 3]);

impl Epochs {
    fn tick(&self) {
        self.0.iter().for_each(wasmtime::Engine::increment_epoch);
    }
}

/// What is swept.
pub(crate) trait Swept: Send + Sync + 'static {
    /// A good moment to drop what nobody used for long.
    fn sweep(&self);
}

/// Ticks `epochs` for as long as anybody else holds them, and sweeps `swept` while it is there.
pub(crate) fn start(epochs: &Arc<Epochs>, swept: &Arc<impl Swept>, tick: Duration) -> std::io::Result<()> {
    let (epochs, swept) = (Arc::downgrade(epochs), Arc::downgrade(swept));
    let tick = tick.max(Duration::from_millis(1));
    thread::Builder::new().name("weft-ticker".into()).spawn(move || run(&epochs, &swept, tick)).map(drop)
}

fn run(epochs: &Weak<Epochs>, swept: &Weak<impl Swept>, tick: Duration) {
    let mut since_sweep = Duration::ZERO;
    loop {
        thread::sleep(tick);
        let Some(epochs) = epochs.upgrade() else { return };
        epochs.tick();
        since_sweep += tick;
        if since_sweep >= SWEEP {
            since_sweep = Duration::ZERO;
            if let Some(swept) = swept.upgrade() {
                swept.sweep();
            }
        }
    }
}
