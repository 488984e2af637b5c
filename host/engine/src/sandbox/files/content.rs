//! What a file under `/out` holds, charged to the job's quota for as long as anything holds on to it.

use std::{
    os::unix::fs::FileExt as _,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use parking_lot::Mutex;

use super::{ErrorCode, Opened};

/// The bytes a job may keep under `/out`.
#[derive(Debug)]
pub(super) struct Quota {
    most: u64,
    used: AtomicU64,
    is_exceeded: AtomicBool,
}

impl Quota {
    pub(super) fn new(most: u64) -> Self {
        Self { most, used: AtomicU64::new(0), is_exceeded: AtomicBool::new(false) }
    }

    pub(super) fn most(&self) -> u64 {
        self.most
    }

    pub(super) fn is_exceeded(&self) -> bool {
        self.is_exceeded.load(Relaxed)
    }

    fn take(&self, bytes: u64) -> Result<(), ErrorCode> {
        let fits = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= self.most);
        match self.used.fetch_update(Relaxed, Relaxed, fits) {
            Ok(_) => Ok(()),
            Err(_) => {
                self.is_exceeded.store(true, Relaxed);
                Err(ErrorCode::Quota)
            }
        }
    }

    fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Relaxed);
    }
}

/// One file's content. It outlives its name while it is open: removing a file frees nothing before it is closed.
#[derive(Debug)]
pub(super) struct Content {
    number: u64,
    size: Mutex<u64>,
    quota: Arc<Quota>,
}

impl Content {
    pub(super) fn new(number: u64, quota: Arc<Quota>) -> Self {
        Self { number, size: Mutex::new(0), quota }
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn size(&self) -> u64 {
        *self.size.lock()
    }

    /// Writes at `offset`, or at the end.
    pub(super) fn write(&self, file: &Opened, offset: Option<u64>, bytes: &[u8]) -> Result<(), ErrorCode> {
        let mut size = self.size.lock();
        let offset = offset.unwrap_or(*size);
        let end = offset.checked_add(bytes.len() as u64).ok_or(ErrorCode::Overflow)?;
        let growth = end.saturating_sub(*size);
        self.quota.take(growth)?;
        if let Err(error) = file.file().write_all_at(bytes, offset) {
            self.quota.give_back(growth);
            return Err(error.into());
        }
        *size = end.max(*size);
        Ok(())
    }

    /// Cuts or extends it.
    pub(super) fn set_size(&self, file: &Opened, wanted: u64) -> Result<(), ErrorCode> {
        let mut size = self.size.lock();
        self.quota.take(wanted.saturating_sub(*size))?;
        if let Err(error) = file.file().set_len(wanted) {
            self.quota.give_back(wanted.saturating_sub(*size));
            return Err(error.into());
        }
        self.quota.give_back(size.saturating_sub(wanted));
        *size = wanted;
        Ok(())
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        self.quota.give_back(self.size());
    }
}
