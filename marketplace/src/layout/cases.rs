//! Cases as a tar: plain files with plain names, the same bytes each time, and no way out of the folder.

use std::{
    collections::BTreeSet,
    io::{Cursor, Read as _},
};

use bytes::Bytes;
use tar::{Archive, Builder, EntryType, Header};

use super::most;

/// The longest name of a file, and how many folders deep it may lie.
const NAME_BYTES: usize = 200;
const DEPTH: usize = 4;

/// A file below `cases/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseFile {
    /// Its name within that folder, parts separated by `/`.
    pub name: String,
    /// What is in it.
    pub bytes: Bytes,
}

/// Why bytes are not cases.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CasesError {
    /// They are too many.
    #[error("the cases have more than {} bytes", most::CASES)]
    TooLarge,
    /// There are too many files.
    #[error("there are more than {} files among the cases", most::CASE_FILES)]
    TooMany,
    /// A file would lie somewhere else, or has a name that some system takes for another.
    #[error("`{0}` is not the name of a case: use letters, digits, _, - and ., in folders at most {DEPTH} deep")]
    Name(String),
    /// A link, a device or a folder.
    #[error("`{0}` among the cases is no plain file")]
    NotAFile(String),
    /// Two of one name.
    #[error("`{0}` is there twice")]
    Twice(String),
    /// It is no tar.
    #[error("the cases cannot be read: {0}")]
    Unreadable(String),
}

/// Files as a tar: sorted, without owners, modes and times of any machine.
///
/// # Errors
/// When a name is not plain, or there is too much.
pub fn pack_cases(files: &[CaseFile]) -> Result<Bytes, CasesError> {
    let mut sorted: Vec<&CaseFile> = files.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut tar = Builder::new(Vec::new());
    for file in sorted {
        check(&file.name)?;
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_size(file.bytes.len() as u64);
        tar.append_data(&mut header, &file.name, file.bytes.as_ref()).map_err(unreadable)?;
    }
    let bytes = tar.into_inner().map_err(unreadable)?;
    // What cannot be read again is not packed.
    read_cases(&bytes)?;
    Ok(bytes.into())
}

/// The files of a tar.
///
/// # Errors
/// When there is too much, or anything in it is not a plain file with a plain name.
pub fn read_cases(bytes: &[u8]) -> Result<Vec<CaseFile>, CasesError> {
    if bytes.len() as u64 > most::CASES {
        return Err(CasesError::TooLarge);
    }
    let mut archive = Archive::new(Cursor::new(bytes));
    let (mut files, mut names) = (Vec::new(), BTreeSet::new());
    for entry in archive.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        let name = String::from_utf8(entry.path_bytes().into_owned())
            .map_err(|error| CasesError::Name(String::from_utf8_lossy(error.as_bytes()).into_owned()))?;
        check(&name)?;
        if entry.header().entry_type() != EntryType::Regular {
            return Err(CasesError::NotAFile(name));
        }
        if !names.insert(name.to_ascii_lowercase()) {
            return Err(CasesError::Twice(name));
        }
        if files.len() == most::CASE_FILES {
            return Err(CasesError::TooMany);
        }
        // A sparse file could be far larger than the archive it lies in.
        let mut content = Vec::new();
        (&mut entry).take(most::CASES + 1).read_to_end(&mut content).map_err(unreadable)?;
        if content.len() > bytes.len() {
            return Err(CasesError::TooLarge);
        }
        files.push(CaseFile { name, bytes: content.into() });
    }
    Ok(files)
}

fn unreadable(error: std::io::Error) -> CasesError {
    CasesError::Unreadable(error.to_string())
}

/// Names stay within their folder on every system.
fn check(name: &str) -> Result<(), CasesError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let part = |it: &str| !it.is_empty() && !it.starts_with('.') && !it.ends_with('.') && it.chars().all(plain);
    let fits = name.len() <= NAME_BYTES && name.split('/').count() <= DEPTH && name.split('/').all(part);
    if fits { Ok(()) } else { Err(CasesError::Name(name.chars().take(NAME_BYTES).collect())) }
}
