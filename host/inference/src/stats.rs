//! How often each model was asked and how long it took, since a version came into force.

use std::{collections::HashMap, sync::Arc, time::Duration};

use hdrhistogram::Histogram;
use host_core::{
    Name,
    model::{At, Counts, ModelRef, ModelStats, VersionId, VersionStats},
};
use jiff::Timestamp;
use parking_lot::{Mutex, RwLock};

/// How many versions of a model are counted; the one that came first makes room.
const VERSIONS: usize = 8;

/// How many digits of a duration its percentile keeps.
const DIGITS: u8 = 2;

/// The alias that a bare name stands for.
const PRODUCTION: &str = "production";

/// The counts of every model.
#[derive(Debug, Default)]
pub(crate) struct Ledger(RwLock<HashMap<(Name, Name), Arc<Book>>>);

impl Ledger {
    /// The counts of a model, from now on.
    pub(crate) fn book(&self, project: &Name, model: &Name) -> Arc<Book> {
        self.0.write().entry((project.clone(), model.clone())).or_default().clone()
    }

    /// What was counted of a model.
    pub(crate) fn stats(&self, project: &Name, model: &Name) -> Option<ModelStats> {
        let book = self.0.read().get(&(project.clone(), model.clone())).cloned();
        book.map(|it| it.read())
    }
}

/// The counts of one model.
#[derive(Debug, Default)]
pub(crate) struct Book(Mutex<Pages>);

#[derive(Debug, Default)]
struct Pages {
    in_force: Option<VersionId>,
    /// The latest last.
    pages: Vec<Page>,
}

#[derive(Debug)]
struct Page {
    version: VersionId,
    since: Timestamp,
    tally: Tally,
}

/// The counts of one version; durations in nanoseconds.
#[derive(Debug)]
struct Tally {
    usage: u64,
    errors: u64,
    total: Duration,
    min: Duration,
    max: Duration,
    histogram: Option<Histogram<u32>>,
}

impl Book {
    /// A reference to the model means this version from now on. Where it is the one that people mean by the model's
    /// name, counting begins anew.
    pub(crate) fn moved(&self, reference: &ModelRef, version: &VersionId, now: Timestamp) {
        let is_usual = match &reference.at {
            At::Default => true,
            At::Alias(alias) => alias.as_str() == PRODUCTION,
            At::Number(_) => false,
        };
        let mut book = self.0.lock();
        let is_news = is_usual && book.in_force.as_ref() != Some(version);
        if is_news {
            book.in_force = Some(version.clone());
            book.pages.retain(|it| it.version != *version);
        }
        if is_news || book.pages.iter().all(|it| it.version != *version) {
            book.pages.push(Page { version: version.clone(), since: now, tally: Tally::new() });
        }
        if book.pages.len() > VERSIONS {
            let kept = book.in_force.clone();
            if let Some(oldest) = book.pages.iter().position(|it| Some(&it.version) != kept.as_ref()) {
                book.pages.remove(oldest);
            }
        }
    }

    /// A prediction took so long, or failed.
    pub(crate) fn count(&self, version: &VersionId, took: Option<Duration>) {
        let mut book = self.0.lock();
        // One that is not counted any more was asked by whoever still holds on to it.
        if let Some(page) = book.pages.iter_mut().rev().find(|it| it.version == *version) {
            page.tally.count(took);
        }
    }

    fn read(&self) -> ModelStats {
        let book = self.0.lock();
        let mut stats = ModelStats::default();
        for page in book.pages.iter().rev() {
            let read = VersionStats { version: page.version.clone(), since: page.since, counts: page.tally.read() };
            if book.in_force.as_ref() == Some(&page.version) {
                stats.in_force = Some(read);
            } else {
                stats.others.push(read);
            }
        }
        stats
    }
}

impl Tally {
    fn new() -> Self {
        let histogram = Histogram::new(DIGITS).ok();
        Self { usage: 0, errors: 0, total: Duration::ZERO, min: Duration::MAX, max: Duration::ZERO, histogram }
    }

    fn count(&mut self, took: Option<Duration>) {
        let Some(took) = took else {
            self.errors += 1;
            return;
        };
        self.usage += 1;
        self.total = self.total.saturating_add(took);
        self.min = self.min.min(took);
        self.max = self.max.max(took);
        if let Some(histogram) = &mut self.histogram {
            // It grows as it needs to; what no memory is found for is left out of the percentiles.
            let _ = histogram.record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).max(1));
        }
    }

    fn read(&self) -> Counts {
        if self.usage == 0 {
            return Counts { errors: self.errors, ..Counts::default() };
        }
        let quantile = |at: f64| {
            let nanoseconds = self.histogram.as_ref().map_or(0, |it| it.value_at_quantile(at));
            // What stands for a range is told no longer than what was seen.
            milliseconds(Duration::from_nanos(nanoseconds).clamp(self.min, self.max))
        };
        let total_ms = milliseconds(self.total);
        Counts {
            usage: self.usage,
            errors: self.errors,
            total_ms,
            min_ms: milliseconds(self.min),
            max_ms: milliseconds(self.max),
            mean_ms: total_ms / self.usage as f64,
            p50_ms: quantile(0.5),
            p90_ms: quantile(0.9),
            p99_ms: quantile(0.99),
        }
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

#[cfg(test)]
mod tests {
    use host_core::Digest;

    use super::*;

    fn version(number: u64) -> VersionId {
        VersionId { model: "wine".parse().unwrap(), number, digest: Digest::of(&[number as u8]) }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn reference(text: &str) -> ModelRef {
        text.parse().unwrap()
    }

    #[test]
    fn counts_tell_how_many_how_long_and_how_many_failed() {
        let book = Book::default();
        book.moved(&reference("wine"), &version(1), at(7));
        (1..=100).for_each(|it| book.count(&version(1), Some(Duration::from_millis(it))));
        book.count(&version(1), None);
        let in_force = book.read().in_force.unwrap();
        assert_eq!((in_force.version, in_force.since), (version(1), at(7)));
        let Counts { usage, errors, total_ms, min_ms, max_ms, mean_ms, p50_ms, p90_ms, p99_ms } = in_force.counts;
        assert_eq!((usage, errors, total_ms.round(), min_ms, max_ms, mean_ms), (100, 1, 5050.0, 1.0, 100.0, 50.5));
        for (told, right) in [(p50_ms, 50.0), (p90_ms, 90.0), (p99_ms, 99.0_f64)] {
            assert!((told - right).abs() / right < 0.02, "{told} is told for {right}");
        }
    }

    #[test]
    fn another_version_in_force_begins_anew_and_the_one_before_keeps_its_counts() {
        let book = Book::default();
        book.moved(&reference("wine"), &version(1), at(1));
        book.count(&version(1), Some(Duration::from_millis(3)));
        book.moved(&reference("wine@production"), &version(1), at(2));
        assert_eq!(book.read().in_force.unwrap().counts.usage, 1, "it is the same version by another name");
        book.moved(&reference("wine"), &version(2), at(3));
        book.count(&version(1), Some(Duration::from_millis(1)));
        let stats = book.read();
        assert_eq!(
            stats.in_force.map(|it| (it.version, it.since, it.counts)),
            Some((version(2), at(3), Counts::default()))
        );
        assert_eq!(
            (stats.others[0].counts.usage, stats.others[0].since),
            (2, at(1)),
            "a late one is its own version's"
        );
        book.moved(&reference("wine"), &version(1), at(4));
        assert_eq!(book.read().in_force.unwrap().counts.usage, 0, "it came into force once more");
    }

    #[test]
    fn versions_beside_the_one_in_force_are_counted_and_a_few_are_kept() {
        let book = Book::default();
        book.moved(&reference("wine"), &version(1), at(1));
        for number in 2..20 {
            book.moved(&reference(&format!("wine@{number}")), &version(number), at(2));
            book.count(&version(number), Some(Duration::from_micros(5)));
        }
        book.count(&version(2), Some(Duration::from_micros(5)));
        let stats = book.read();
        assert_eq!(stats.in_force.map(|it| it.version.number), Some(1));
        let others: Vec<_> = stats.others.iter().map(|it| (it.version.number, it.counts.usage)).collect();
        assert_eq!(others, (13..20).rev().map(|it| (it, 1)).collect::<Vec<_>>());
    }

    #[test]
    fn a_model_that_nobody_asked_is_not_known() {
        let (ledger, project, wine) = (Ledger::default(), Name::default_project(), version(1).model);
        assert_eq!(ledger.stats(&project, &wine), None);
        ledger.book(&project, &wine).moved(&reference("wine@candidate"), &version(1), at(1));
        assert_eq!(ledger.stats(&project, &wine).map(|it| (it.in_force, it.others.len())), Some((None, 1)));
    }
}
