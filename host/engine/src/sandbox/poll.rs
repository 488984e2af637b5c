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
        let from_outside = self.wait_outside(&pollables, &due, first).await?;
        if !from_outside.is_empty() {
            return Ok(from_outside);
        }
        self.sandbox()?.clock.advance_to(first);
        self.ready_now(&pollables, &due).await
    }
}

impl Guest {
    /// Which of `pollables` became ready before the first timer was due, where a response from outside may be among
    /// them: the world does not hurry, so the wait is as long as it says. A job that reaches nobody never waits here.
    async fn wait_outside(
        &mut self,
        pollables: &[Resource<DynPollable>],
        due: &[Option<u64>],
        first: u64,
    ) -> wasmtime::Result<Vec<u32>> {
        let others: Vec<(u32, Resource<DynPollable>)> = (0..)
            .zip(pollables.iter().zip(due))
            .filter(|(_, (_, due))| due.is_none())
            .map(|(index, (pollable, _))| (index, Resource::new_borrow(pollable.rep())))
            .collect();
        if others.is_empty() || !self.current.ways.are_open() {
            return Ok(Vec::new());
        }
        let (places, others): (Vec<u32>, Vec<_>) = others.into_iter().unzip();
        let wait = self.sandbox()?.clock.until(first);
        let Ok(ready) = tokio::time::timeout(wait, self.table.poll(others)).await else { return Ok(Vec::new()) };
        let place = |index: u32| places.get(usize::try_from(index).ok()?).copied();
        Ok(ready?.into_iter().filter_map(place).collect())
    }

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
