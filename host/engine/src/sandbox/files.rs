//! The files of a job: `/in`, which only lists and reads what the host gives, and `/out`, where declared names go.
//!
//! Both are flat. There are no links, no folders and no way out, because no path is ever looked up on the host: a name
//! is looked up here, and only a known name becomes a path.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
};

use host_core::{call::JobInput, manifest::Manifest};
use wasmtime::component::{HasSelf, Linker};

use crate::guest::Guest;

mod content;
mod descriptor;
mod host;
mod name;
mod stream;

use bindings::wasi::filesystem::types::ErrorCode;
use content::{Content, Quota};
use descriptor::{Descriptor, Listing, Opened};

/// The most files a job may hold open.
const OPEN_FILES: usize = 256;

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../sdk/wit",
        inline: "
            package weft:sandbox;

            world files {
                import wasi:filesystem/types@0.2.12;
                import wasi:filesystem/preopens@0.2.12;
            }
        ",
        imports: { default: trappable },
        require_store_data_send: true,
        trappable_error_type: {
            "wasi:filesystem/types.error-code" => super::FsError,
        },
        with: {
            "wasi:io": wasmtime_wasi::p2::bindings::io,
            "wasi:clocks": wasmtime_wasi::p2::bindings::clocks,
            "wasi:filesystem/types.descriptor": super::descriptor::Descriptor,
            "wasi:filesystem/types.directory-entry-stream": super::descriptor::Listing,
        },
    });
}

/// What a guest is told, or a trap.
type FsError = wasmtime_wasi::TrappableError<ErrorCode>;

/// The two folders of a job.
pub(crate) struct Files {
    inputs: BTreeMap<String, PathBuf>,
    out: PathBuf,
    /// The names that may appear under `/out`; any, when the manifest declares none.
    declared: Vec<String>,
    outputs: BTreeMap<String, Arc<Content>>,
    quota: Arc<Quota>,
    most_files: usize,
    /// How many were ever made: each gets its own number, which stands for its identity.
    made: u64,
    open: Arc<AtomicUsize>,
    too_many: AtomicBool,
    refused: Option<String>,
}

/// Which of the two folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Folder {
    In,
    Out,
}

/// How a file is opened.
#[derive(Debug, Clone, Copy)]
struct Mode {
    create: bool,
    exclusive: bool,
    truncate: bool,
    read: bool,
    write: bool,
}

impl Files {
    pub(super) fn new(inputs: &[JobInput], out: PathBuf, manifest: &Manifest, most_files: usize) -> Self {
        Self {
            inputs: inputs.iter().map(|input| (input.name.clone(), input.path.clone())).collect(),
            out,
            declared: manifest.outputs.keys().cloned().collect(),
            outputs: BTreeMap::new(),
            quota: Arc::new(Quota::new(manifest.limits.output.0)),
            most_files,
            made: 0,
            open: Arc::default(),
            too_many: AtomicBool::new(false),
            refused: None,
        }
    }

    /// The outputs, in order of name, and how many bytes they have.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = (&str, u64)> {
        self.outputs.iter().map(|(name, content)| (name.as_str(), content.size()))
    }

    /// What the job wanted more of than it may have, if anything.
    pub(crate) fn exceeded(&self) -> Option<String> {
        if self.quota.is_exceeded() {
            let most = host_core::size::ByteSize(self.quota.most());
            return Some(format!("it wrote more than {most} under /out, which is what limits.output allows"));
        }
        self.too_many.load(Relaxed).then(|| format!("it made more than {} files under /out", self.most_files))
    }

    /// The last thing it tried under `/out` that is not allowed, for people.
    pub(crate) fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// Notes a refusal, because a program seldom says more than `permission denied`.
    fn refuse(&mut self, what: String) -> ErrorCode {
        self.refused = Some(what);
        ErrorCode::NotPermitted
    }

    /// The names in a folder, sorted.
    fn names(&self, folder: Folder) -> Vec<String> {
        match folder {
            Folder::In => self.inputs.keys().cloned().collect(),
            Folder::Out => self.outputs.keys().cloned().collect(),
        }
    }

    /// How large a file is, and which number stands for its identity.
    fn look(&self, folder: Folder, name: &str) -> Result<(u64, u64), ErrorCode> {
        match folder {
            Folder::In => {
                let path = self.inputs.get(name).ok_or(ErrorCode::NoEntry)?;
                let index = self.inputs.keys().take_while(|it| it.as_str() != name).count();
                Ok((fs::metadata(path)?.len(), index as u64))
            }
            Folder::Out => {
                let content = self.outputs.get(name).ok_or(ErrorCode::NoEntry)?;
                Ok((content.size(), content.number()))
            }
        }
    }

    fn open(&mut self, folder: Folder, name: &str, mode: Mode) -> Result<Descriptor, ErrorCode> {
        match folder {
            Folder::In => self.open_input(name, mode),
            Folder::Out => self.open_output(name, mode),
        }
    }

    fn open_input(&self, name: &str, mode: Mode) -> Result<Descriptor, ErrorCode> {
        if mode.write || mode.create || mode.truncate {
            return Err(ErrorCode::ReadOnly);
        }
        let path = self.inputs.get(name).ok_or(ErrorCode::NoEntry)?;
        let (_, number) = self.look(Folder::In, name)?;
        let file = self.opened(|| fs::File::open(path))?;
        Ok(Descriptor::Input { file, number })
    }

    fn open_output(&mut self, name: &str, mode: Mode) -> Result<Descriptor, ErrorCode> {
        let known = self.outputs.get(name).cloned();
        let (content, is_new) = match known {
            Some(_) if mode.create && mode.exclusive => return Err(ErrorCode::Exist),
            Some(content) => (content, false),
            None if mode.create => (self.make(name)?, true),
            None => return Err(ErrorCode::NoEntry),
        };
        if self.outputs.is_empty() {
            fs::create_dir_all(&self.out)?;
        }
        let path = self.out.join(name);
        let file = self.opened(|| fs::OpenOptions::new().read(true).write(true).create_new(is_new).open(&path))?;
        if mode.truncate && !is_new {
            content.set_size(&file, 0)?;
        }
        if is_new {
            self.outputs.insert(name.to_owned(), content.clone());
        }
        Ok(Descriptor::Output { file, content, read: mode.read, write: mode.write })
    }

    /// What a new file under `/out` would hold, if the name is allowed and there is room for one more.
    fn make(&mut self, name: &str) -> Result<Arc<Content>, ErrorCode> {
        self.allow(name)?;
        if self.outputs.len() >= self.most_files {
            self.too_many.store(true, Relaxed);
            return Err(ErrorCode::Quota);
        }
        self.made += 1;
        Ok(Arc::new(Content::new(self.made, self.quota.clone())))
    }

    fn allow(&mut self, name: &str) -> Result<(), ErrorCode> {
        if !name::is_plain(name) {
            return Err(self.refuse(format!("`/out/{}` is no name for an output", name.escape_default())));
        }
        if !self.declared.is_empty() && !self.declared.iter().any(|it| it == name) {
            return Err(self.refuse(format!("`/out/{name}` is not declared: add [outputs.{name}] to function.toml")));
        }
        Ok(())
    }

    fn opened(&self, open: impl FnOnce() -> std::io::Result<fs::File>) -> Result<Arc<Opened>, ErrorCode> {
        if self.open.load(Relaxed) >= OPEN_FILES {
            return Err(ErrorCode::InsufficientMemory);
        }
        Ok(Arc::new(Opened::new(open()?, self.open.clone())))
    }

    fn remove(&mut self, folder: Folder, name: &str) -> Result<(), ErrorCode> {
        if folder == Folder::In {
            return Err(ErrorCode::ReadOnly);
        }
        if !self.outputs.contains_key(name) {
            return Err(ErrorCode::NoEntry);
        }
        fs::remove_file(self.out.join(name))?;
        self.outputs.remove(name);
        Ok(())
    }

    fn rename(&mut self, old: (Folder, &str), new: (Folder, &str)) -> Result<(), ErrorCode> {
        if old.0 == Folder::In || new.0 == Folder::In {
            return Err(ErrorCode::ReadOnly);
        }
        let content = self.outputs.get(old.1).cloned().ok_or(ErrorCode::NoEntry)?;
        self.allow(new.1)?;
        fs::rename(self.out.join(old.1), self.out.join(new.1))?;
        self.outputs.remove(old.1);
        self.outputs.insert(new.1.to_owned(), content);
        Ok(())
    }
}

impl From<std::io::Error> for ErrorCode {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        match error.kind() {
            Kind::NotFound => Self::NoEntry,
            Kind::PermissionDenied => Self::NotPermitted,
            Kind::AlreadyExists => Self::Exist,
            Kind::StorageFull | Kind::QuotaExceeded => Self::InsufficientSpace,
            Kind::FileTooLarge => Self::FileTooLarge,
            Kind::InvalidInput => Self::Invalid,
            _ => Self::Io,
        }
    }
}

/// Puts these files in the place of the machine's.
pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    use bindings::wasi::filesystem::{preopens, types};
    types::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)?;
    preopens::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)
}
