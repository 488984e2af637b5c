//! Clears away what a crash left half written. Other hosts may be writing to the same folder, so only what is old goes.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use jiff::Timestamp;

/// Nothing takes longer than this to be written.
const OLD: Duration = Duration::from_secs(24 * 3_600);

/// Cleans up behind the scenes: nobody needs to wait for it.
pub(super) fn start(folder: PathBuf, now: Timestamp) {
    tokio::task::spawn_blocking(move || {
        let removed = clean(&folder, now);
        if removed > 0 {
            tracing::info!(removed, folder = %folder.display(), "half-written artifacts of an earlier process were removed");
        }
    });
}

/// Removes old drafts; says how many.
pub(super) fn clean(folder: &Path, now: Timestamp) -> usize {
    let Some(oldest) = SystemTime::from(now).checked_sub(OLD) else { return 0 };
    let is_draft = |path: &Path| path.file_name().is_some_and(|it| it.to_string_lossy().contains('#'));
    let incoming = files(&folder.join("incoming"));
    let drafts = files(&folder.join("sha256")).into_iter().flat_map(|it| files(&it)).filter(|it| is_draft(it));
    let is_old = |path: &PathBuf| {
        let modified = fs::metadata(path).and_then(|meta| meta.modified());
        path.is_file() && modified.is_ok_and(|modified| modified < oldest)
    };
    incoming.into_iter().chain(drafts).filter(is_old).filter(|path| fs::remove_file(path).is_ok()).count()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_old_drafts_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["incoming", "sha256/ab"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        for name in ["incoming/x#1", "incoming/y", "sha256/ab/cd", "sha256/ab/cd#1"] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        let written = fs::metadata(folder.path().join("incoming/y")).unwrap().modified().unwrap();
        let written = Timestamp::try_from(written).unwrap();
        assert_eq!(clean(folder.path(), written), 0);
        assert_eq!(clean(folder.path(), written + jiff::SignedDuration::from_hours(25)), 3);
        assert!(folder.path().join("sha256/ab/cd").exists());
    }
}
