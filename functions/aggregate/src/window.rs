//! Windows of time over rows that come in any order.

use std::collections::BTreeMap;

use weft_tables::{Times, span};

use crate::group::Group;

/// The most windows that a row may be in.
const OVERLAP: i64 = 1000;

/// The most windows in all, and the most rows in them all.
const MOST: usize = 20_000_000;

/// From when, and until just before when; microseconds since the beginning of 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

/// Windows of one length that begin at whole multiples of a slide since the beginning of 1970.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Windows {
    size: i64,
    slide: i64,
    keep_empty: bool,
}

/// Why there can be no such windows.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Span(#[from] weft_tables::Error),
    #[error("`slide` needs a `window`")]
    NoWindow,
    #[error("`slide` is longer than `window`: rows between windows would be lost")]
    Gaps,
    #[error("a row would be in more than {OVERLAP} windows: make `slide` longer")]
    Overlap,
    #[error("`lateness` needs `time`")]
    NoTime,
    #[error("there would be more than {MOST} windows, or rows in windows")]
    TooMany,
}

impl Windows {
    /// The windows asked for; `None` where none are.
    pub(crate) fn read(window: &str, slide: &str, keep_empty: bool) -> Result<Option<Self>, Error> {
        if window.is_empty() {
            return if slide.is_empty() { Ok(None) } else { Err(Error::NoWindow) };
        }
        let size = span(window)?;
        let slide = if slide.is_empty() { size } else { span(slide)? };
        match () {
            () if slide > size => Err(Error::Gaps),
            () if size / slide > OVERLAP => Err(Error::Overlap),
            () => Ok(Some(Self { size, slide, keep_empty })),
        }
    }

    /// Each group cut into its windows, each with its rows in the order of time.
    pub(crate) fn cut(self, groups: Vec<Group>, times: &Times) -> Result<Vec<Group>, Error> {
        let mut cut = Vec::new();
        let mut members = 0;
        for group in groups {
            let mut windows: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
            for row in group.rows {
                let Some(moment) = times.micros.get(row).copied().flatten() else { continue };
                for start in self.starts(moment) {
                    windows.entry(start).or_default().push(row);
                    members += 1;
                }
                if members > MOST {
                    return Err(Error::TooMany);
                }
            }
            if self.keep_empty {
                self.fill(&mut windows, MOST.saturating_sub(cut.len()))?;
            }
            let window = |start| Some(Window { start, end: start.saturating_add(self.size) });
            cut.extend(windows.into_iter().map(|(start, rows)| Group {
                like: group.like,
                rows,
                window: window(start),
            }));
        }
        Ok(cut)
    }

    /// Where the windows begin that `moment` is in, the earliest first.
    fn starts(self, moment: i64) -> impl Iterator<Item = i64> {
        let last = moment.div_euclid(self.slide) * self.slide;
        let before = (self.size - 1 - (moment - last)).div_euclid(self.slide).max(-1);
        (0..=before).rev().map(move |step| last - step * self.slide)
    }

    /// Puts windows without rows between the first and the last.
    fn fill(self, windows: &mut BTreeMap<i64, Vec<usize>>, most: usize) -> Result<(), Error> {
        let (Some(first), Some(last)) = (windows.keys().next().copied(), windows.keys().next_back().copied()) else {
            return Ok(());
        };
        let count = usize::try_from((last - first) / self.slide).unwrap_or(usize::MAX);
        if count > most {
            return Err(Error::TooMany);
        }
        let mut start = first;
        while start < last {
            windows.entry(start).or_default();
            start += self.slide;
        }
        Ok(())
    }
}

/// Which rows count, in the order of their moments; and how many do not.
#[derive(Debug)]
pub(crate) struct Arrivals {
    pub(crate) rows: Vec<usize>,
    /// Rows that came too long after the latest moment so far.
    pub(crate) late: usize,
    /// Rows without a moment.
    pub(crate) untimed: usize,
}

impl Arrivals {
    /// All rows as they are, where there are no moments.
    pub(crate) fn of(times: Option<&Times>, rows: usize, lateness: &str) -> Result<Self, Error> {
        let Some(times) = times else {
            let all = Self { rows: (0..rows).collect(), late: 0, untimed: 0 };
            return if lateness.is_empty() { Ok(all) } else { Err(Error::NoTime) };
        };
        let allowed = if lateness.is_empty() { None } else { Some(span(lateness)?) };
        let (mut late, mut untimed, mut latest) = (0, 0, i64::MIN);
        let mut timed = Vec::with_capacity(rows);
        for (row, moment) in times.micros.iter().enumerate() {
            match (moment, allowed) {
                (None, _) => untimed += 1,
                (Some(moment), Some(allowed)) if *moment < latest.saturating_sub(allowed) => late += 1,
                (Some(moment), _) => {
                    latest = latest.max(*moment);
                    timed.push((*moment, row));
                }
            }
        }
        // Rows of one moment stay in the order in which they came.
        timed.sort_unstable();
        Ok(Self { rows: timed.into_iter().map(|(_, row)| row).collect(), late, untimed })
    }
}
