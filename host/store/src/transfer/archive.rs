//! The file format of backups and exports: a gzipped tar that says first what is in it, and is held to it when read.
//!
//! `manifest.json`, then `artifacts/<sha256>` for each artifact, then `key` where it was asked for, then
//! `tables/<name>.jsonl` for each table, parents before children. Nothing in an archive is ever used as a path.

use std::io::{self, BufReader, Read, Write};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use host_core::{Digest, Name};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tar::{Archive, Builder, EntryType, Header};

use super::TransferError;

/// The format this release writes; it reads this and older ones.
const FORMAT: u32 = 1;
const MANIFEST: &str = "manifest.json";
const KEY: &str = "key";
/// The largest manifest that is read.
const MAX_MANIFEST: u64 = 16 << 20;
/// The largest key that is read.
const MAX_KEY: u64 = 64 << 10;
/// How much may follow the last entry: the padding of tar.
const MAX_PADDING: u64 = 1 << 20;

/// What an archive holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Backup,
    Project,
}

/// What an archive says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) weft: Kind,
    pub(crate) format: u32,
    /// The release that wrote it.
    pub(crate) release: String,
    /// The newest change of the schema.
    pub(crate) schema: i64,
    pub(crate) created_at: Timestamp,
    /// The project, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) project: Option<Name>,
    pub(crate) artifacts: Option<Bulk>,
    /// Whether the key of the secrets is in it.
    #[serde(default)]
    pub(crate) key: Option<Entry>,
    /// The names of secrets whose values are not in it.
    #[serde(default)]
    pub(crate) secrets: Vec<String>,
    pub(crate) tables: Vec<Entry>,
}

/// How many artifacts there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bulk {
    pub(crate) count: u64,
    pub(crate) bytes: u64,
}

/// One file of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) digest: Digest,
}

/// What was moved.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The project, where it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<Name>,
    /// The rows of each table.
    pub tables: Vec<(String, u64)>,
    /// How many artifacts; none, when they were left where they are.
    pub artifacts: Option<u64>,
    /// How many bytes they have.
    pub artifact_bytes: u64,
    /// Whether the key of the secrets was among it.
    pub key: bool,
    /// The names of secrets whose values were not.
    pub secrets: Vec<String>,
}

impl Manifest {
    pub(crate) fn new(weft: Kind, release: &str, schema: i64, created_at: Timestamp) -> Self {
        Self {
            weft,
            format: FORMAT,
            release: release.to_owned(),
            schema,
            created_at,
            project: None,
            artifacts: None,
            key: None,
            secrets: Vec::new(),
            tables: Vec::new(),
        }
    }

    pub(crate) fn summary(&self) -> Summary {
        Summary {
            project: self.project.clone(),
            tables: self.tables.iter().map(|it| (it.name.clone(), it.rows)).collect(),
            artifacts: self.artifacts.map(|it| it.count),
            artifact_bytes: self.artifacts.map_or(0, |it| it.bytes),
            key: self.key.is_some(),
            secrets: self.secrets.clone(),
        }
    }
}

/// Writes an archive.
pub(crate) struct Writer<W: Write> {
    tar: Builder<GzEncoder<W>>,
    created_at: Timestamp,
}

impl<W: Write> Writer<W> {
    /// Begins with what the archive says of itself.
    pub(crate) fn begin(out: W, manifest: &Manifest) -> Result<Self, TransferError> {
        let tar = Builder::new(GzEncoder::new(out, Compression::fast()));
        let mut writer = Self { tar, created_at: manifest.created_at };
        let text = serde_json::to_vec_pretty(manifest).map_err(|error| TransferError::file(MANIFEST, &error))?;
        writer.entry(MANIFEST, text.len() as u64, &mut text.as_slice())?;
        Ok(writer)
    }

    /// An artifact of `size` bytes.
    pub(crate) fn artifact(&mut self, digest: &Digest, size: u64, bytes: &mut dyn Read) -> Result<(), TransferError> {
        self.entry(&artifact_name(digest), size, bytes)
    }

    /// The key of the secrets.
    pub(crate) fn key(&mut self, key: &[u8]) -> Result<(), TransferError> {
        self.entry(KEY, key.len() as u64, &mut &*key)
    }

    /// The rows of a table.
    pub(crate) fn table(&mut self, table: &str, size: u64, bytes: &mut dyn Read) -> Result<(), TransferError> {
        self.entry(&table_name(table), size, bytes)
    }

    /// Writes what is left to write.
    pub(crate) fn finish(self) -> Result<W, TransferError> {
        let written = self.tar.into_inner().and_then(GzEncoder::finish);
        written.map_err(|error| TransferError::file("the archive", &error))
    }

    fn entry(&mut self, name: &str, size: u64, bytes: &mut dyn Read) -> Result<(), TransferError> {
        let mut header = Header::new_gnu();
        header.set_size(size);
        header.set_mode(0o600);
        header.set_mtime(u64::try_from(self.created_at.as_second()).unwrap_or(0));
        header.set_entry_type(EntryType::Regular);
        let mut exact = Exact { inner: bytes, left: size };
        let written = self.tar.append_data(&mut header, name, &mut exact);
        written.map_err(|error| TransferError::file(name, &error))?;
        if exact.left > 0 {
            return Err(TransferError::file(name, &"it has become shorter meanwhile"));
        }
        Ok(())
    }
}

/// No more than so many bytes, and an error where there are more.
struct Exact<'r> {
    inner: &'r mut dyn Read,
    left: u64,
}

impl Read for Exact<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let left = self.left.checked_sub(count as u64);
        self.left = left.ok_or_else(|| io::Error::other("it has become longer meanwhile"))?;
        Ok(count)
    }
}

fn artifact_name(digest: &Digest) -> String {
    format!("artifacts/{}", digest.hex())
}

fn table_name(table: &str) -> String {
    format!("tables/{table}.jsonl")
}

/// Takes what an archive holds, in its order. What is given is exactly as large as it says; whether it is what it
/// says is known once it was read to its end.
pub(crate) trait Take {
    /// What the archive says of itself.
    fn manifest(&mut self, manifest: &Manifest) -> Result<(), TransferError>;

    /// An artifact. Whoever takes it verifies its digest.
    fn artifact(&mut self, digest: Digest, size: u64, bytes: &mut dyn Read) -> Result<(), TransferError>;

    /// The key of the secrets.
    fn key(&mut self, key: Vec<u8>) -> Result<(), TransferError>;

    /// The rows of a table.
    fn table(&mut self, entry: &Entry, lines: &mut dyn Read) -> Result<(), TransferError>;
}

/// Reads archives.
pub(crate) struct Reader;

impl Reader {
    /// Reads an archive from its beginning to its end, and holds it to what it says of itself.
    pub(crate) fn read<R: Read>(archive: R, wanted: Kind, take: &mut dyn Take) -> Result<Manifest, TransferError> {
        let mut archive = Archive::new(GzDecoder::new(archive));
        // Raw: what tar calls extensions could make it keep any number of bytes in memory.
        let mut entries = archive.entries().map_err(|error| broken(&error))?.raw(true);
        let mut next = |what: &str| match entries.next() {
            Some(Ok(entry)) => Ok(entry),
            Some(Err(error)) => Err(broken(&error)),
            None => Err(TransferError::archive(format!("it ends where {what} should be"))),
        };
        let manifest = read_manifest(&mut next(MANIFEST)?, wanted)?;
        take.manifest(&manifest)?;
        let bulk = manifest.artifacts.unwrap_or_default();
        let mut bytes = 0u64;
        for _ in 0..bulk.count {
            let mut entry = next("an artifact")?;
            let (digest, size) = artifact_of(&entry)?;
            bytes = bytes.saturating_add(size);
            if bytes > bulk.bytes {
                return Err(TransferError::archive(format!("its artifacts have more than {} bytes", bulk.bytes)));
            }
            take.artifact(digest, size, &mut entry)?;
        }
        if bytes != bulk.bytes {
            return Err(TransferError::archive(format!("its artifacts have {bytes} bytes, not {}", bulk.bytes)));
        }
        if let Some(key) = &manifest.key {
            let mut text = Vec::new();
            held_to(&mut next(KEY)?, KEY, key, MAX_KEY, &mut |it| {
                it.read_to_end(&mut text).map(drop).map_err(|error| broken(&error))
            })?;
            take.key(text)?;
        }
        for table in &manifest.tables {
            let name = table_name(&table.name);
            held_to(&mut next(&name)?, &name, table, u64::MAX, &mut |it| take.table(table, it))?;
        }
        match entries.next() {
            None => {}
            Some(Ok(_)) => return Err(TransferError::archive("it holds more than it says")),
            Some(Err(error)) => return Err(broken(&error)),
        }
        read_padding(archive.into_inner())?;
        Ok(manifest)
    }
}

fn broken(error: &io::Error) -> TransferError {
    TransferError::archive(format!("it is damaged or cut off ({error})"))
}

fn read_manifest<R: Read>(entry: &mut tar::Entry<'_, R>, wanted: Kind) -> Result<Manifest, TransferError> {
    expect(entry, MANIFEST)?;
    let size = size_of(entry)?;
    if size > MAX_MANIFEST {
        return Err(TransferError::archive(format!("its manifest has {size} bytes")));
    }
    let mut text = Vec::new();
    entry.read_to_end(&mut text).map_err(|error| broken(&error))?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|error| TransferError::archive(format!("its manifest cannot be read: {error}")))?;
    if manifest.format > FORMAT {
        let (found, known) = (manifest.format, FORMAT);
        return Err(TransferError::archive(format!(
            "it has format {found}, and this release reads up to {known}; use the release that wrote it, {}",
            manifest.release
        )));
    }
    if manifest.weft != wanted {
        return Err(TransferError::archive(match manifest.weft {
            Kind::Backup => "it is a backup; `fn restore` reads it",
            Kind::Project => "it is a project; `fn project import` reads it",
        }));
    }
    Ok(manifest)
}

/// The entry must be a plain file of this name.
fn expect<R: Read>(entry: &tar::Entry<'_, R>, name: &str) -> Result<(), TransferError> {
    let found = entry.path_bytes();
    if entry.header().entry_type() != EntryType::Regular || found != name.as_bytes() {
        let found = String::from_utf8_lossy(&found).into_owned();
        return Err(TransferError::archive(format!("it holds `{found}` where {name} should be")));
    }
    Ok(())
}

fn size_of<R: Read>(entry: &tar::Entry<'_, R>) -> Result<u64, TransferError> {
    entry.header().entry_size().map_err(|error| broken(&error))
}

fn artifact_of<R: Read>(entry: &tar::Entry<'_, R>) -> Result<(Digest, u64), TransferError> {
    let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
    let digest = name.strip_prefix("artifacts/").and_then(|hex| format!("sha256:{hex}").parse().ok());
    let digest: Digest =
        digest.ok_or_else(|| TransferError::archive(format!("it holds `{name}` where an artifact should be")))?;
    expect(entry, &artifact_name(&digest))?;
    Ok((digest, size_of(entry)?))
}

/// Gives an entry to `take`, and holds it to its name, its size and its digest.
fn held_to<R: Read>(
    entry: &mut tar::Entry<'_, R>,
    name: &str,
    said: &Entry,
    most: u64,
    take: &mut dyn FnMut(&mut dyn Read) -> Result<(), TransferError>,
) -> Result<(), TransferError> {
    expect(entry, name)?;
    let size = size_of(entry)?;
    if size != said.bytes || size > most {
        return Err(TransferError::archive(format!("`{name}` has {size} bytes, not {}", said.bytes)));
    }
    let mut hashed = Hashed { inner: entry, hash: Sha256::new(), bytes: 0 };
    take(&mut BufReader::with_capacity(256 << 10, &mut hashed))?;
    io::copy(&mut hashed, &mut io::sink()).map_err(|error| broken(&error))?;
    if hashed.bytes != size {
        return Err(TransferError::archive(format!("it is cut off in `{name}`")));
    }
    let digest = Digest::from_raw(hashed.hash.finalize().into());
    if digest == said.digest {
        Ok(())
    } else {
        Err(TransferError::archive(format!("`{name}` has the digest {digest}, not {}", said.digest)))
    }
}

struct Hashed<'r, R> {
    inner: &'r mut R,
    hash: Sha256,
    bytes: u64,
}

impl<R: Read> Read for Hashed<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(&buffer[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
}

/// Reads on to the end, so that the checksum of the compression is looked at.
fn read_padding(mut rest: impl Read) -> Result<(), TransferError> {
    let read = io::copy(&mut rest.by_ref().take(MAX_PADDING + 1), &mut io::sink()).map_err(|error| broken(&error))?;
    if read > MAX_PADDING { Err(TransferError::archive("it goes on after its end")) } else { Ok(()) }
}
