//! What a guest holds when it has something open.

use std::{
    fs::File,
    os::unix::fs::FileExt as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use super::{Content, ErrorCode, Folder, bindings::wasi::filesystem::types::DirectoryEntry};

/// A file of the host's that is open, counted for as long as it is.
#[derive(Debug)]
pub(super) struct Opened {
    file: File,
    open: Arc<AtomicUsize>,
}

impl Opened {
    pub(super) fn new(file: File, open: Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Relaxed);
        Self { file, open }
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Relaxed);
    }
}

/// A folder or a file.
#[derive(Debug, Clone)]
#[expect(unreachable_pub, reason = "the generated bindings name it in public signatures")]
pub enum Descriptor {
    Folder(Folder),
    Input { file: Arc<Opened>, number: u64 },
    Output { file: Arc<Opened>, content: Arc<Content>, read: bool, write: bool },
}

impl Descriptor {
    pub(super) fn folder(&self) -> Result<Folder, ErrorCode> {
        match self {
            Self::Folder(folder) => Ok(*folder),
            Self::Input { .. } | Self::Output { .. } => Err(ErrorCode::NotDirectory),
        }
    }

    /// The file, to be read.
    pub(super) fn readable(&self) -> Result<&Arc<Opened>, ErrorCode> {
        match self {
            Self::Folder(_) => Err(ErrorCode::IsDirectory),
            Self::Input { file, .. } | Self::Output { file, read: true, .. } => Ok(file),
            Self::Output { read: false, .. } => Err(ErrorCode::BadDescriptor),
        }
    }

    /// The file, to be written.
    pub(super) fn writable(&self) -> Result<(&Arc<Opened>, &Arc<Content>), ErrorCode> {
        match self {
            Self::Folder(_) => Err(ErrorCode::IsDirectory),
            Self::Input { .. } => Err(ErrorCode::ReadOnly),
            Self::Output { write: false, .. } => Err(ErrorCode::BadDescriptor),
            Self::Output { file, content, .. } => Ok((file, content)),
        }
    }

    /// How large it is.
    pub(super) fn size(&self) -> Result<u64, ErrorCode> {
        match self {
            Self::Folder(_) => Ok(0),
            Self::Input { file, .. } => Ok(file.file().metadata()?.len()),
            Self::Output { content, .. } => Ok(content.size()),
        }
    }

    /// What tells it from every other thing in the sandbox.
    pub(super) fn identity(&self) -> (Folder, Option<u64>) {
        match self {
            Self::Folder(folder) => (*folder, None),
            Self::Input { number, .. } => (Folder::In, Some(*number)),
            Self::Output { content, .. } => (Folder::Out, Some(content.number())),
        }
    }
}

/// Reads up to `most` bytes at `offset`; none at the end of the file.
pub(super) fn read(file: &Opened, offset: u64, most: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; most];
    let read = loop {
        match file.file().read_at(&mut bytes, offset) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            read => break read?,
        }
    };
    bytes.truncate(read);
    Ok(bytes)
}

/// A folder being listed.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the generated bindings name it in public signatures")]
pub struct Listing(pub(super) std::vec::IntoIter<DirectoryEntry>);
