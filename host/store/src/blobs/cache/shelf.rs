//! What the cache holds, and who has to go when it holds too much.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
};

use host_core::Digest;

use super::super::read::Look;

/// The copies there are, in order of their last use.
pub(super) struct Shelf {
    folder: PathBuf,
    most: u64,
    /// The bytes of all copies.
    total: u64,
    /// The bytes that are on their way.
    coming: u64,
    copies: HashMap<Digest, Copy>,
    /// Who was used when: the first goes first.
    order: BTreeMap<u64, Digest>,
    /// Grows with every use.
    now: u64,
}

struct Copy {
    size: u64,
    used: u64,
    pins: usize,
    whole: Option<Look>,
    /// Forgotten while it was in use: it goes with its last user.
    is_forgotten: bool,
}

impl Shelf {
    pub(super) fn new(folder: PathBuf, most: u64) -> Self {
        Self { folder, most, total: 0, coming: 0, copies: HashMap::new(), order: BTreeMap::new(), now: 0 }
    }

    /// Notes a copy that lies in the folder now.
    pub(super) fn put(&mut self, digest: Digest, size: u64, whole: Option<Look>) {
        let pins = self.leave(&digest).map_or(0, |before| before.pins);
        self.now += 1;
        self.total += size;
        self.order.insert(self.now, digest);
        self.copies.insert(digest, Copy { size, used: self.now, pins, whole, is_forgotten: false });
        if pins == 0 {
            // What does not fit at all is used once, by whoever pins it before anybody else looks.
            self.make_room(Some(&digest));
        }
    }

    /// Keeps a copy until it is unpinned as often; says how it looked when it was last found whole.
    pub(super) fn pin(&mut self, digest: &Digest) -> Option<Option<Look>> {
        let copy = self.copies.get_mut(digest).filter(|it| !it.is_forgotten)?;
        self.now += 1;
        self.order.remove(&copy.used);
        self.order.insert(self.now, *digest);
        copy.used = self.now;
        copy.pins += 1;
        Some(copy.whole)
    }

    pub(super) fn unpin(&mut self, digest: &Digest) {
        let Some(copy) = self.copies.get_mut(digest) else { return };
        copy.pins = copy.pins.saturating_sub(1);
        if copy.pins == 0 && copy.is_forgotten {
            self.remove(digest);
        }
        self.make_room(None);
    }

    pub(super) fn found_whole(&mut self, digest: &Digest, look: Look) {
        if let Some(copy) = self.copies.get_mut(digest) {
            copy.whole = Some(look);
        }
    }

    pub(super) fn forget(&mut self, digest: &Digest) {
        let Some(copy) = self.copies.get_mut(digest) else { return };
        copy.is_forgotten = true;
        if copy.pins == 0 {
            self.remove(digest);
        }
    }

    /// Counts bytes that are on their way, and makes room for them.
    pub(super) fn reserve(&mut self, bytes: u64) {
        self.coming += bytes;
        self.make_room(None);
    }

    /// They have arrived, or never will.
    pub(super) fn release(&mut self, bytes: u64) {
        self.coming = self.coming.saturating_sub(bytes);
    }

    /// Lets go of what is too much, as when the bound is smaller than it was.
    pub(super) fn fit(&mut self) {
        self.make_room(None);
    }

    /// Lets go of copies that nobody uses until everything fits.
    fn make_room(&mut self, but: Option<&Digest>) {
        while self.total.saturating_add(self.coming) > self.most {
            let is_free = |digest: &Digest| self.copies.get(digest).is_some_and(|it| it.pins == 0);
            let Some(digest) = self.order.values().find(|it| Some(*it) != but && is_free(it)).copied() else { return };
            self.remove(&digest);
        }
    }

    fn remove(&mut self, digest: &Digest) {
        if self.leave(digest).is_some() {
            // A file that is gone already is what we want; one that stays is found at the next start.
            let _ = std::fs::remove_file(self.folder.join(digest.hex()));
        }
    }

    fn leave(&mut self, digest: &Digest) -> Option<Copy> {
        let copy = self.copies.remove(digest)?;
        self.order.remove(&copy.used);
        self.total -= copy.size;
        Some(copy)
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> u64 {
        self.total + self.coming
    }
}
