//! The keys that seal secrets: from a file only its owner may read, or as they were given.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use host_core::ports::SecretError;
use parking_lot::Mutex;
use zeroize::Zeroizing;

use crate::seal::Key;

/// The most bytes of a key file.
const FILE_BYTES: u64 = 16 << 10;

const HEADER: &str = "# The key that seals the secrets of this Weft host. Whoever has it can read them, and without it they are lost:\n\
                      # keep a copy in a safe place. The first line seals; further lines only open what they sealed before.\n";

/// Where the keys come from.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// A file, made with the first secret.
    File(PathBuf),
    /// Base64 texts, the one that seals first, separated by commas.
    Given(Zeroizing<String>),
    /// Made now, gone with the process.
    Memory,
}

/// The keys at hand.
pub(super) struct Keys {
    source: KeySource,
    ring: Mutex<Option<Arc<Ring>>>,
}

/// The key that seals, then those that only open.
pub(super) struct Ring(Vec<Key>);

impl Ring {
    /// The first, which seals.
    pub(super) fn first(&self) -> Option<&Key> {
        self.0.first()
    }

    pub(super) fn get(&self, id: &str) -> Option<&Key> {
        self.0.iter().find(|key| key.id() == id)
    }

    /// Their names, for an error.
    fn ids(&self) -> String {
        self.0.iter().map(Key::id).collect::<Vec<_>>().join(", ")
    }
}

impl Keys {
    pub(super) fn new(source: KeySource) -> Self {
        Self { source, ring: Mutex::default() }
    }

    /// The keys; `None` where no key was ever made.
    pub(super) fn ring(&self) -> Result<Option<Arc<Ring>>, SecretError> {
        let mut ring = self.ring.lock();
        if ring.is_none() {
            *ring = self.read()?.map(Arc::new);
        }
        Ok(ring.clone())
    }

    /// The keys; the first is made where there is none.
    pub(super) fn ring_or_new(&self) -> Result<Arc<Ring>, SecretError> {
        if let Some(ring) = self.ring()? {
            return Ok(ring);
        }
        if let KeySource::File(file) = &self.source {
            create(file, &[&Key::generate()])?;
        }
        self.ring()?.ok_or_else(|| SecretError::Key("the key that was just made is gone again".to_owned()))
    }

    /// The keys, with the one named `id` among them; where it is not, they are read again.
    pub(super) fn ring_with(&self, id: &str) -> Result<Arc<Ring>, SecretError> {
        if let Some(ring) = self.ring()?.filter(|ring| ring.get(id).is_some()) {
            return Ok(ring);
        }
        if !matches!(self.source, KeySource::Memory) {
            *self.ring.lock() = None;
        }
        let ring = self.ring()?;
        match ring {
            Some(ring) if ring.get(id).is_some() => Ok(ring),
            Some(ring) => Err(self.other_key(id, &format!("and this host has {}", ring.ids()))),
            None => Err(self.other_key(id, "which this host has not got")),
        }
    }

    /// Puts a new key before the others, unless the first is not `in_use` yet.
    pub(super) fn renew(&self, in_use: &str) -> Result<Arc<Ring>, SecretError> {
        let ring = self.ring_with(in_use)?;
        if ring.first().is_some_and(|first| first.id() != in_use) {
            return Ok(ring);
        }
        let new = Key::generate();
        match &self.source {
            KeySource::File(file) => {
                let keys: Vec<&Key> = std::iter::once(&new).chain(&ring.0).collect();
                replace(file, &keys)?;
            }
            KeySource::Given(_) => return Err(SecretError::Key(
                "the key comes from WEFT_SECRET_KEY, so the host cannot make another: start it with WEFT_SECRET_KEY=new,old and rekey again".to_owned(),
            )),
            KeySource::Memory => {
                let old = ring.0.iter().filter_map(|key| Key::parse(&key.text()));
                *self.ring.lock() = Some(Arc::new(Ring(std::iter::once(new).chain(old).collect())));
                return self.ring_or_new();
            }
        }
        *self.ring.lock() = None;
        self.ring_or_new()
    }

    /// Keeps only the first key, which seals everything by now; the others go to files of their own, for backups.
    pub(super) fn retire(&self) -> Result<(), SecretError> {
        let KeySource::File(file) = &self.source else { return Ok(()) };
        let Some(ring) = self.ring()? else { return Ok(()) };
        for old in ring.0.iter().skip(1) {
            let mut name = file.file_name().unwrap_or_default().to_owned();
            name.push(format!(".{}", old.id()));
            let kept = file.with_file_name(name);
            if !kept.exists() {
                create(&kept, &[old])?;
            }
        }
        if let Some(first) = ring.first() {
            replace(file, &[first])?;
        }
        *self.ring.lock() = None;
        Ok(())
    }

    fn read(&self) -> Result<Option<Ring>, SecretError> {
        match &self.source {
            KeySource::Memory => Ok(Some(Ring(vec![Key::generate()]))),
            KeySource::Given(text) => {
                let keys = text.split(',').map(Key::parse).collect::<Option<Vec<_>>>();
                let wrong = "WEFT_SECRET_KEY is not 32 bytes in base64; make one with `openssl rand -base64 32`";
                keys.map(|keys| Some(Ring(keys))).ok_or_else(|| SecretError::Key(wrong.to_owned()))
            }
            KeySource::File(file) => match File::open(file) {
                Ok(opened) => read(file, opened).map(Some),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(unusable(file, &error)),
            },
        }
    }

    fn other_key(&self, id: &str, but: &str) -> SecretError {
        let how = match &self.source {
            KeySource::File(file) => format!("copy the key file of a host that can read them to {}", file.display()),
            KeySource::Given(_) => "give this host the WEFT_SECRET_KEY of one that can read them".to_owned(),
            KeySource::Memory => "set them again".to_owned(),
        };
        SecretError::Key(format!("the secrets of this database are sealed with key {id}, {but}; {how}"))
    }
}

/// The keys in a file that nobody but its owner may read.
fn read(path: &Path, mut file: File) -> Result<Ring, SecretError> {
    let failed = |error: io::Error| unusable(path, &error);
    let about = file.metadata().map_err(failed)?;
    let mode = about.mode() & 0o777;
    if mode & 0o077 != 0 {
        let shown = path.display();
        return Err(SecretError::Key(format!(
            "key file {shown} can be read by others (mode {mode:04o}), so it is not used; run `chmod 600 {shown}`"
        )));
    }
    if !about.is_file() || about.len() > FILE_BYTES {
        return Err(SecretError::Key(format!("key file {} is not a key file", path.display())));
    }
    let mut text = Zeroizing::new(String::with_capacity(FILE_BYTES as usize));
    file.read_to_string(&mut text).map_err(failed)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    match lines.map(Key::parse).collect::<Option<Vec<_>>>().filter(|keys| !keys.is_empty()) {
        Some(keys) => Ok(Ring(keys)),
        None => Err(SecretError::Key(format!(
            "key file {} holds something else than keys of 32 bytes in base64; restore it from a copy",
            path.display()
        ))),
    }
}

/// Makes a key file; one that is there already stays as it is.
fn create(path: &Path, keys: &[&Key]) -> Result<(), SecretError> {
    match write(path, keys)?.persist_noclobber(path) {
        Ok(_) => sync_folder(path),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(unusable(path, &error.error)),
    }
}

/// Puts other keys into a key file, in one step.
fn replace(path: &Path, keys: &[&Key]) -> Result<(), SecretError> {
    write(path, keys)?.persist(path).map_err(|error| unusable(path, &error.error))?;
    sync_folder(path)
}

/// A file beside the key file, written to the disk, which nobody else may read from the start.
fn write(path: &Path, keys: &[&Key]) -> Result<tempfile::NamedTempFile, SecretError> {
    let failed = |error: io::Error| unusable(path, &error);
    let folder = folder(path);
    fs::create_dir_all(folder).map_err(failed)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".secret.key.").permissions(fs::Permissions::from_mode(0o600));
    let mut file = builder.tempfile_in(folder).map_err(failed)?;
    file.write_all(HEADER.as_bytes()).map_err(failed)?;
    for key in keys {
        file.write_all(key.text().as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(failed)?;
    }
    file.as_file().sync_all().map_err(failed)?;
    Ok(file)
}

fn sync_folder(path: &Path) -> Result<(), SecretError> {
    File::open(folder(path)).and_then(|folder| folder.sync_all()).map_err(|error| unusable(path, &error))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn unusable(path: &Path, error: &io::Error) -> SecretError {
    SecretError::Key(format!("key file {} cannot be used: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(file: &Path) -> u32 {
        file.metadata().unwrap().mode() & 0o777
    }

    fn in_file(file: &Path) -> Keys {
        Keys::new(KeySource::File(file.to_owned()))
    }

    #[test]
    fn the_key_is_made_once_and_only_its_owner_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("data/secret.key");
        assert!(in_file(&file).ring().unwrap().is_none(), "nothing is made by looking");
        let first = in_file(&file).ring_or_new().unwrap().first().unwrap().id().to_owned();
        assert_eq!(mode(&file), 0o600);
        assert_eq!(in_file(&file).ring_or_new().unwrap().first().unwrap().id(), first);
    }

    #[test]
    fn a_key_file_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        in_file(&file).ring_or_new().unwrap();
        for wrong in [0o640, 0o604, 0o660, 0o610, 0o644] {
            fs::set_permissions(&file, fs::Permissions::from_mode(wrong)).unwrap();
            let error = in_file(&file).ring().map(drop).unwrap_err().to_string();
            assert!(error.contains(&format!("run `chmod 600 {}`", file.display())), "{error}");
        }
        fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
        assert!(in_file(&file).ring().unwrap().is_some());
    }

    #[test]
    fn a_file_of_something_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        for wrong in ["", "# nothing but words\n", "short\n", &"x".repeat(20_000)] {
            fs::write(&file, wrong).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
            assert!(matches!(in_file(&file).ring(), Err(SecretError::Key(_))), "{wrong:.20}");
        }
        assert!(matches!(in_file(folder.path()).ring(), Err(SecretError::Key(_))), "a folder is no key file");
    }

    #[test]
    fn a_given_key_is_base64_of_32_bytes() {
        let (new, old) = (Key::generate(), Key::generate());
        let given = |text: String| Keys::new(KeySource::Given(Zeroizing::new(text)));
        let ring = given(format!("{},{}", *new.text(), *old.text())).ring().unwrap().unwrap();
        assert_eq!(ring.first().unwrap().id(), new.id());
        assert!(ring.get(old.id()).is_some());
        assert!(given("nonsense".into()).ring().map(drop).unwrap_err().to_string().contains("openssl rand -base64 32"));
    }

    #[test]
    fn a_key_that_came_later_is_found_without_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        let keys = in_file(&file);
        keys.ring_or_new().unwrap();
        let other = Key::generate();
        let error = keys.ring_with(other.id()).map(drop).unwrap_err().to_string();
        assert!(error.contains(other.id()) && error.contains("copy the key file"), "{error}");
        replace(&file, &[&other]).unwrap();
        assert!(keys.ring_with(other.id()).is_ok());
    }

    #[test]
    fn an_earlier_key_is_kept_beside_the_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        let keys = in_file(&file);
        let old = keys.ring_or_new().unwrap().first().unwrap().id().to_owned();
        let ring = keys.renew(&old).unwrap();
        assert!(ring.get(&old).is_some() && ring.first().unwrap().id() != old);
        let again = keys.renew(&old).unwrap();
        assert_eq!(again.first().unwrap().id(), ring.first().unwrap().id(), "one that broke off goes on");
        keys.retire().unwrap();
        assert!(keys.ring().unwrap().unwrap().get(&old).is_none());
        let kept = folder.path().join(format!("secret.key.{old}"));
        assert_eq!(mode(&kept), 0o600);
        assert!(in_file(&kept).ring().unwrap().unwrap().get(&old).is_some());
    }
}
