//! What goes and why, as people are told.

/// How many things of a group are told one by one.
const TOLD: usize = 200;

/// Something that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Which.
    pub id: String,
    /// What it is.
    pub what: String,
    /// Why it goes.
    pub why: &'static str,
    /// How many bytes it frees by itself.
    pub bytes: u64,
}

/// Things of one kind that go: how many, and the first of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// How many.
    pub count: u64,
    /// How many bytes they free by themselves.
    pub bytes: u64,
    /// The first of them.
    pub first: Vec<Item>,
}

impl Group {
    pub(super) fn add(&mut self, item: Item) {
        self.count += 1;
        self.bytes += item.bytes;
        if self.first.len() < TOLD {
            self.first.push(item);
        }
    }
}

/// How many, and how many bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// How many bytes.
    pub bytes: u64,
}

impl Tally {
    pub(super) fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes += bytes;
    }
}

/// What goes, or went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Whether it went; otherwise it only would.
    pub applied: bool,
    /// Runs, with all that is on record of them.
    pub runs: Group,
    /// Revisions of functions.
    pub revisions: Group,
    /// Uploaded artifacts, as they are listed.
    pub uploads: Group,
    /// Bytes.
    pub artifacts: Group,
    /// Bytes that something kept needs.
    pub kept: Tally,
    /// Bytes that nothing is known to need, and that are too young to go.
    pub young: Tally,
}
