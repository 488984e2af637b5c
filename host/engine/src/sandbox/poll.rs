//! Waiting inside a job: where only timers are left to wait for, time jumps to the first of them.

use wasmtime::component::Resource;
use wasmtime_wasi::p2::{
    DynPollable,
    bindings::io::poll::{Host, HostPollable},
};

use crate::guest::Guest;

impl Host for Guest {
    async fn poll(&mut self, pollables: Vec<Resource<DynPollable>>) -> wasmtime::Result<Vec<u32>> {
        let mut due = Vec::with_capacity(pollables.len());
        for pollable in &pollables {
            due.push(self.sandbox()?.clock.due(pollable.rep()));
        }
        let Some(first) = due.iter().flatten().min().copied() else {
            return self.table.poll(pollables).await;
        };
        let ready = self.ready_now(&pollables, &due).await?;
        if !ready.is_empty() {
            return Ok(ready);
        }
        self.sandbox()?.clock.advance_to(first);
        self.ready_now(&pollables, &due).await
    }
}

impl Guest {
    /// Which of `pollables` are ready without waiting.
    async fn ready_now(
        &mut self,
        pollables: &[Resource<DynPollable>],
        due: &[Option<u64>],
    ) -> wasmtime::Result<Vec<u32>> {
        let mut ready = Vec::new();
        for (index, (pollable, due)) in (0..).zip(pollables.iter().zip(due)) {
            let is_ready = match due {
                Some(when) => self.sandbox()?.clock.has_come(*when),
                None => self.table.ready(Resource::new_borrow(pollable.rep())).await?,
            };
            if is_ready {
                ready.push(index);
            }
        }
        Ok(ready)
    }
}

impl HostPollable for Guest {
    async fn ready(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<bool> {
        let clock = &mut self.sandbox()?.clock;
        match clock.due(pollable.rep()) {
            Some(when) => {
                // Whoever asks again and again is waiting.
                clock.read();
                Ok(clock.has_come(when))
            }
            None => self.table.ready(pollable).await,
        }
    }

    async fn block(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        let clock = &mut self.sandbox()?.clock;
        match clock.due(pollable.rep()) {
            Some(when) => {
                clock.advance_to(when);
                Ok(())
            }
            None => self.table.block(pollable).await,
        }
    }

    fn drop(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        self.sandbox()?.clock.forget(pollable.rep());
        HostPollable::drop(&mut self.table, pollable)
    }
}
