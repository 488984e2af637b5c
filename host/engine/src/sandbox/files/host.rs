//! `wasi:filesystem` over the files of a job. Times, link counts and identities say nothing of the host.

use host_core::Digest;
use wasmtime::component::Resource;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, IoError, bindings::clocks::wall_clock::Datetime};

use super::{
    Descriptor, ErrorCode, Files, Folder, FsError, Listing, Mode,
    bindings::wasi::filesystem::{
        preopens,
        types::{
            self, Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, Filesize, Host,
            HostDescriptor, HostDirectoryEntryStream, MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
        },
    },
    descriptor::read,
    name::{Place, name, place},
    stream::{CHUNK, Reading, Writing},
};
use crate::guest::Guest;

/// When everything was made, read and written: 2000-01-01T00:00:00Z.
const THEN: Datetime = Datetime { seconds: 946_684_800, nanoseconds: 0 };

type Fs<T> = Result<T, FsError>;
type Fd = Resource<Descriptor>;

impl Guest {
    fn descriptor(&self, fd: &Fd) -> Fs<Descriptor> {
        self.table.get(fd).cloned().map_err(FsError::trap)
    }

    fn folder(&self, fd: &Fd) -> Fs<Folder> {
        Ok(self.descriptor(fd)?.folder()?)
    }

    fn files(&mut self) -> Fs<&mut Files> {
        self.sandbox().map(|sandbox| &mut sandbox.files).map_err(FsError::trap)
    }

    fn push(&mut self, descriptor: Descriptor) -> Fs<Fd> {
        self.table.push(descriptor).map_err(FsError::trap)
    }

    /// Notes what was refused, and says so.
    fn refuse<T>(&mut self, what: &str) -> Fs<T> {
        Err(self.files()?.refuse(what.to_owned()).into())
    }

    fn writing(&mut self, fd: &Fd, offset: Option<Filesize>) -> Fs<Resource<DynOutputStream>> {
        let descriptor = self.descriptor(fd)?;
        let (file, content) = descriptor.writable()?;
        let stream: DynOutputStream = Box::new(Writing { file: file.clone(), content: content.clone(), offset });
        self.table.push(stream).map_err(FsError::trap)
    }
}

impl preopens::Host for Guest {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Fd, String)>> {
        let mut folders = Vec::new();
        for (folder, path) in [(Folder::In, "/in"), (Folder::Out, "/out")] {
            folders.push((self.table.push(Descriptor::Folder(folder))?, path.to_owned()));
        }
        Ok(folders)
    }
}

impl Host for Guest {
    fn filesystem_error_code(&mut self, error: Resource<IoError>) -> wasmtime::Result<Option<ErrorCode>> {
        Ok(self.table.get(&error)?.downcast_ref::<ErrorCode>().copied())
    }

    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        error.downcast()
    }
}

impl HostDescriptor for Guest {
    fn read_via_stream(&mut self, fd: Fd, offset: Filesize) -> Fs<Resource<DynInputStream>> {
        let file = self.descriptor(&fd)?.readable()?.clone();
        let stream: DynInputStream = Box::new(Reading { file, offset });
        self.table.push(stream).map_err(FsError::trap)
    }

    fn write_via_stream(&mut self, fd: Fd, offset: Filesize) -> Fs<Resource<DynOutputStream>> {
        self.writing(&fd, Some(offset))
    }

    fn append_via_stream(&mut self, fd: Fd) -> Fs<Resource<DynOutputStream>> {
        self.writing(&fd, None)
    }

    fn advise(&mut self, fd: Fd, _: Filesize, _: Filesize, _: Advice) -> Fs<()> {
        self.descriptor(&fd)?.readable().map(drop).map_err(Into::into)
    }

    /// The host makes outputs durable when it stores them.
    fn sync_data(&mut self, fd: Fd) -> Fs<()> {
        self.descriptor(&fd).map(drop)
    }

    fn sync(&mut self, fd: Fd) -> Fs<()> {
        self.descriptor(&fd).map(drop)
    }

    fn get_flags(&mut self, fd: Fd) -> Fs<DescriptorFlags> {
        Ok(match self.descriptor(&fd)? {
            Descriptor::Folder(Folder::Out) => DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY,
            Descriptor::Folder(Folder::In) | Descriptor::Input { .. } => DescriptorFlags::READ,
            Descriptor::Output { read, write, .. } => {
                let flag = |is_set, flag| if is_set { flag } else { DescriptorFlags::empty() };
                flag(read, DescriptorFlags::READ) | flag(write, DescriptorFlags::WRITE)
            }
        })
    }

    fn get_type(&mut self, fd: Fd) -> Fs<DescriptorType> {
        Ok(kind(&self.descriptor(&fd)?))
    }

    fn set_size(&mut self, fd: Fd, size: Filesize) -> Fs<()> {
        let descriptor = self.descriptor(&fd)?;
        let (file, content) = descriptor.writable()?;
        Ok(content.set_size(file, size)?)
    }

    /// Times are constant: setting one changes nothing.
    fn set_times(&mut self, fd: Fd, _: NewTimestamp, _: NewTimestamp) -> Fs<()> {
        match self.descriptor(&fd)?.identity().0 {
            Folder::In => Err(ErrorCode::ReadOnly.into()),
            Folder::Out => Ok(()),
        }
    }

    fn read(&mut self, fd: Fd, length: Filesize, offset: Filesize) -> Fs<(Vec<u8>, bool)> {
        let descriptor = self.descriptor(&fd)?;
        let most = usize::try_from(length).unwrap_or(usize::MAX).min(CHUNK);
        let bytes = read(descriptor.readable()?, offset, most).map_err(ErrorCode::from)?;
        let is_end = bytes.is_empty();
        Ok((bytes, is_end))
    }

    fn write(&mut self, fd: Fd, bytes: Vec<u8>, offset: Filesize) -> Fs<Filesize> {
        let descriptor = self.descriptor(&fd)?;
        let (file, content) = descriptor.writable()?;
        content.write(file, Some(offset), &bytes)?;
        Ok(bytes.len() as u64)
    }

    fn read_directory(&mut self, fd: Fd) -> Fs<Resource<Listing>> {
        let folder = self.folder(&fd)?;
        let entry = |name| DirectoryEntry { type_: DescriptorType::RegularFile, name };
        let entries: Vec<_> = self.files()?.names(folder).into_iter().map(entry).collect();
        self.table.push(Listing(entries.into_iter())).map_err(FsError::trap)
    }

    fn create_directory_at(&mut self, fd: Fd, path: String) -> Fs<()> {
        match (self.folder(&fd)?, place(&path)?) {
            (Folder::In, _) => Err(ErrorCode::ReadOnly.into()),
            (Folder::Out, Place::Here) => Err(ErrorCode::Exist.into()),
            (Folder::Out, Place::Name(name)) => {
                self.refuse(&format!("`/out/{}` cannot be a folder: outputs are files", name.escape_default()))
            }
        }
    }

    fn stat(&mut self, fd: Fd) -> Fs<DescriptorStat> {
        let descriptor = self.descriptor(&fd)?;
        Ok(stat(kind(&descriptor), descriptor.size()?))
    }

    fn stat_at(&mut self, fd: Fd, _: PathFlags, path: String) -> Fs<DescriptorStat> {
        let folder = self.folder(&fd)?;
        Ok(match place(&path)? {
            Place::Here => stat(DescriptorType::Directory, 0),
            Place::Name(name) => stat(DescriptorType::RegularFile, self.files()?.look(folder, name)?.0),
        })
    }

    fn set_times_at(&mut self, fd: Fd, flags: PathFlags, path: String, _: NewTimestamp, _: NewTimestamp) -> Fs<()> {
        match self.folder(&fd)? {
            Folder::In => Err(ErrorCode::ReadOnly.into()),
            Folder::Out => self.stat_at(fd, flags, path).map(drop),
        }
    }

    fn link_at(&mut self, fd: Fd, _: PathFlags, _: String, _: Fd, _: String) -> Fs<()> {
        self.folder(&fd)?;
        self.refuse("links cannot be made: outputs are files")
    }

    fn symlink_at(&mut self, fd: Fd, _: String, _: String) -> Fs<()> {
        self.folder(&fd)?;
        self.refuse("links cannot be made: outputs are files")
    }

    fn readlink_at(&mut self, fd: Fd, path: String) -> Fs<String> {
        let folder = self.folder(&fd)?;
        self.files()?.look(folder, name(&path)?)?;
        Err(ErrorCode::Invalid.into())
    }

    fn open_at(&mut self, fd: Fd, _: PathFlags, path: String, open: OpenFlags, flags: DescriptorFlags) -> Fs<Fd> {
        let folder = self.folder(&fd)?;
        let has = |flag| open.contains(flag);
        let write = flags.contains(DescriptorFlags::WRITE);
        let descriptor = match place(&path)? {
            Place::Here if write || has(OpenFlags::CREATE) || has(OpenFlags::TRUNCATE) => {
                return Err(ErrorCode::IsDirectory.into());
            }
            Place::Here => Descriptor::Folder(folder),
            Place::Name(name) if has(OpenFlags::DIRECTORY) => {
                self.files()?.look(folder, name)?;
                return Err(ErrorCode::NotDirectory.into());
            }
            Place::Name(name) => {
                let mode = Mode {
                    create: has(OpenFlags::CREATE),
                    exclusive: has(OpenFlags::EXCLUSIVE),
                    truncate: has(OpenFlags::TRUNCATE),
                    read: flags.contains(DescriptorFlags::READ) || !write,
                    write,
                };
                self.files()?.open(folder, name, mode)?
            }
        };
        self.push(descriptor)
    }

    fn remove_directory_at(&mut self, fd: Fd, path: String) -> Fs<()> {
        let folder = self.folder(&fd)?;
        self.files()?.look(folder, name(&path)?)?;
        Err(ErrorCode::NotDirectory.into())
    }

    fn rename_at(&mut self, fd: Fd, old: String, new_fd: Fd, new: String) -> Fs<()> {
        let (from, to) = (self.folder(&fd)?, self.folder(&new_fd)?);
        Ok(self.files()?.rename((from, name(&old)?), (to, name(&new)?))?)
    }

    fn unlink_file_at(&mut self, fd: Fd, path: String) -> Fs<()> {
        let folder = self.folder(&fd)?;
        Ok(self.files()?.remove(folder, name(&path)?)?)
    }

    fn is_same_object(&mut self, one: Fd, other: Fd) -> wasmtime::Result<bool> {
        Ok(self.table.get(&one)?.identity() == self.table.get(&other)?.identity())
    }

    fn metadata_hash(&mut self, fd: Fd) -> Fs<MetadataHashValue> {
        Ok(hash(self.descriptor(&fd)?.identity()))
    }

    fn metadata_hash_at(&mut self, fd: Fd, _: PathFlags, path: String) -> Fs<MetadataHashValue> {
        let folder = self.folder(&fd)?;
        Ok(hash(match place(&path)? {
            Place::Here => (folder, None),
            Place::Name(name) => (folder, Some(self.files()?.look(folder, name)?.1)),
        }))
    }

    fn drop(&mut self, fd: Fd) -> wasmtime::Result<()> {
        self.table.delete(fd)?;
        Ok(())
    }
}

impl HostDirectoryEntryStream for Guest {
    fn read_directory_entry(&mut self, listing: Resource<Listing>) -> Fs<Option<types::DirectoryEntry>> {
        Ok(self.table.get_mut(&listing).map_err(FsError::trap)?.0.next())
    }

    fn drop(&mut self, listing: Resource<Listing>) -> wasmtime::Result<()> {
        self.table.delete(listing)?;
        Ok(())
    }
}

fn kind(descriptor: &Descriptor) -> DescriptorType {
    match descriptor {
        Descriptor::Folder(_) => DescriptorType::Directory,
        Descriptor::Input { .. } | Descriptor::Output { .. } => DescriptorType::RegularFile,
    }
}

fn stat(type_: DescriptorType, size: u64) -> DescriptorStat {
    DescriptorStat {
        type_,
        link_count: 1,
        size,
        data_access_timestamp: Some(THEN),
        data_modification_timestamp: Some(THEN),
        status_change_timestamp: Some(THEN),
    }
}

/// Programs take this for an inode: it tells files apart, and is the same on every host.
fn hash(identity: (Folder, Option<u64>)) -> MetadataHashValue {
    let digest = Digest::of(format!("{identity:?}").as_bytes());
    let half = |from: usize| digest.as_raw()[from..from + 8].iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte));
    MetadataHashValue { lower: half(0), upper: half(8) }
}
