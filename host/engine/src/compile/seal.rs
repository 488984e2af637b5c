//! The seal of compiled code: a digest of the digests of its pieces, which several threads read side by side.
//!
//! The code of an interpreter has more than 30 MB, and somebody may be waiting for it.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    num::NonZero,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use host_core::Digest;

/// The bytes of a piece.
const PIECE: usize = 2 << 20;

/// The most threads that read one file.
const READERS: usize = 4;

/// The seal of these bytes.
pub(super) fn of(bytes: &[u8]) -> String {
    together(bytes.chunks(PIECE).map(Digest::of))
}

/// The seal of a file.
pub(super) fn of_file(file: &Path) -> io::Result<String> {
    let size = usize::try_from(fs::metadata(file)?.len()).map_err(io::Error::other)?;
    let (count, next) = (size.div_ceil(PIECE), AtomicUsize::new(0));
    let readers = thread::available_parallelism().map_or(1, NonZero::get).min(READERS).min(count);
    let read = || pieces(file, size, &next);
    let mut digests = if readers <= 1 {
        read()?
    } else {
        thread::scope(|scope| {
            let all: Vec<_> = (0..readers).map(|_| scope.spawn(read)).collect();
            let mut digests = Vec::with_capacity(count);
            for reader in all {
                digests.extend(reader.join().map_err(|_| io::Error::other("a reader panicked"))??);
            }
            Ok::<_, io::Error>(digests)
        })?
    };
    digests.sort_unstable_by_key(|(index, _)| *index);
    Ok(together(digests.into_iter().map(|(_, digest)| digest)))
}

fn together(digests: impl Iterator<Item = Digest>) -> String {
    let lines: String = digests.map(|it| format!("{it}\n")).collect();
    Digest::of(lines.as_bytes()).to_string()
}

/// The digests of the pieces that nobody else has taken yet, each with its place.
fn pieces(file: &Path, size: usize, next: &AtomicUsize) -> io::Result<Vec<(usize, Digest)>> {
    let (mut file, mut buffer, mut digests) = (File::open(file)?, vec![0; PIECE.min(size)], Vec::new());
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let begin = index.saturating_mul(PIECE);
        if begin >= size {
            return Ok(digests);
        }
        let piece = &mut buffer[..PIECE.min(size - begin)];
        file.seek(SeekFrom::Start(begin as u64))?;
        file.read_exact(piece)?;
        digests.push((index, Digest::of(piece)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_seal_of_its_bytes_whatever_its_size() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("code");
        for size in [0, 1, PIECE, 2 * PIECE + 7] {
            let bytes: Vec<u8> = (0..size).map(|it| (it % 251) as u8).collect();
            fs::write(&file, &bytes).unwrap();
            assert_eq!(of_file(&file).unwrap(), of(&bytes), "{size}");
        }
    }

    #[test]
    fn pieces_that_changed_places_have_another_seal() {
        let (mut one, other) = (vec![1; PIECE], vec![2; PIECE]);
        let swapped = [other.clone(), one.clone()].concat();
        one.extend(other);
        assert_ne!(of(&one), of(&swapped));
    }
}
