//! What was sent against what came out: lost, twice, out of order, without a stamp.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
};

/// The ids of a stream as its sender knows them.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// Those whose arrival the broker confirmed, once.
    pub(crate) confirmed: HashSet<String>,
    /// Those of which the sender cannot say how often they arrived: it lost the broker before the answer.
    pub(crate) unsure: HashSet<String>,
}

/// An output, in the order of its partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The event it answers to.
    pub(crate) id: String,
    /// The key it bears, where it must bear one.
    pub(crate) key: Option<String>,
    pub(crate) partition: i32,
    /// The revision that made it.
    pub(crate) revision: String,
}

/// A score, in the order of its partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scored {
    /// The record it is of.
    pub(crate) id: String,
    pub(crate) partition: i32,
    /// The version of the model that it bears.
    pub(crate) version: Option<u64>,
    /// Why it is none; empty where all went well.
    pub(crate) error: String,
}

/// What is wrong with scores: each bears the version that made it, of `models` that were sent, and no partition goes
/// back to an older one.
pub(crate) fn unstamped(scores: &[Scored], models: u64) -> Vec<String> {
    let mut newest: HashMap<i32, u64> = HashMap::new();
    let mut wrong = Vec::new();
    for Scored { id, partition, version, error } in scores {
        let Some(version) = version.filter(|it| (1..=models).contains(it) && error.is_empty()) else {
            wrong.push(format!("{id} was scored by version {version:?} of {models}: {error}"));
            continue;
        };
        let before = newest.insert(*partition, version).unwrap_or(0);
        if version < before {
            wrong.push(format!("{id} was scored by version {version}, after {before} on partition {partition}"));
        }
    }
    wrong
}

/// What must hold of a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Promise {
    /// How many outputs may be there once more.
    pub(crate) twice: usize,
    /// Whether the outputs of a key are in order.
    pub(crate) ordered: bool,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    sent: usize,
    seen: usize,
    twice: usize,
    may_be_twice: usize,
    findings: Vec<String>,
    revisions: BTreeMap<String, usize>,
}

/// The id of the event with this number of a key; numbers begin at 1.
pub(crate) fn id(key: &str, number: u64) -> String {
    format!("{key}-{number}")
}

fn parts(id: &str) -> Option<(&str, u64)> {
    let (key, number) = id.rsplit_once('-')?;
    Some((key, number.parse().ok()?))
}

/// Holds what came out against what was sent. `revisions` are those that were deployed.
pub(crate) fn judge(sent: &Sent, seen: &[Seen], revisions: &HashSet<String>, promise: Promise) -> Verdict {
    let mut verdict =
        Verdict { sent: sent.confirmed.len(), seen: seen.len(), may_be_twice: promise.twice, ..Verdict::default() };
    let mut times: HashMap<&str, usize> = HashMap::new();
    let mut newest: HashMap<&str, u64> = HashMap::new();
    let mut places: HashMap<&str, i32> = HashMap::new();
    for one in seen {
        *verdict.revisions.entry(one.revision.clone()).or_default() += 1;
        if !revisions.contains(&one.revision) {
            verdict.find(format!("{} bears the revision `{}`, which was never deployed", one.id, one.revision));
        }
        let Some((key, number)) = parts(&one.id) else {
            verdict.find(format!("`{}` was never sent", one.id));
            continue;
        };
        let count = times.entry(&one.id).or_default();
        *count += 1;
        if *count > 1 {
            continue;
        }
        if !sent.confirmed.contains(&one.id) && !sent.unsure.contains(&one.id) {
            verdict.find(format!("`{}` was never sent", one.id));
        }
        if one.key.as_deref().is_some_and(|it| it != key) {
            verdict.find(format!("`{}` came out under the key {:?}", one.id, one.key));
        }
        if promise.ordered {
            verdict.order(key, number, one.partition, &mut newest, &mut places);
        }
    }
    verdict.lost(sent, &times);
    let twice = times.iter().filter(|(id, _)| !sent.unsure.contains(**id)).map(|(_, count)| count - 1).sum();
    verdict.twice = twice;
    if twice > promise.twice {
        let again = times.iter().filter(|(id, count)| **count > 1 && !sent.unsure.contains(**id));
        let spans = spans(again.filter_map(|(id, _)| parts(id)).map(|(_, number)| number).collect());
        verdict.find(format!("{twice} came out twice, of which {} may: numbers {spans}", promise.twice));
    }
    verdict
}

/// Numbers as spans: those of a key are sent steadily, so they tell when something happened.
fn spans(mut numbers: Vec<u64>) -> String {
    numbers.sort_unstable();
    let mut spans: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match spans.last_mut() {
            Some((_, last)) if number <= *last + 1 => *last = number,
            _ => spans.push((number, number)),
        }
    }
    let told: Vec<_> = spans.iter().take(20).map(|(first, last)| format!("{first}-{last}")).collect();
    told.join(", ")
}

impl Verdict {
    /// What is wrong; empty when the promise was kept.
    pub(crate) fn findings(&self) -> &[String] {
        &self.findings
    }

    /// How many revisions made outputs.
    pub(crate) fn revisions(&self) -> usize {
        self.revisions.len()
    }

    /// An output whose number is smaller than that of an earlier one came too late: of the first time that each comes.
    fn order<'a>(
        &mut self,
        key: &'a str,
        number: u64,
        partition: i32,
        newest: &mut HashMap<&'a str, u64>,
        places: &mut HashMap<&'a str, i32>,
    ) {
        if *places.entry(key).or_insert(partition) != partition {
            self.find(format!("the key {key} is on partition {} and on {partition}", places[key]));
        }
        let before = newest.insert(key, number).unwrap_or(0);
        if number <= before {
            self.find(format!("{key}-{number} came out after {key}-{before}"));
        }
    }

    fn lost(&mut self, sent: &Sent, times: &HashMap<&str, usize>) {
        let mut lost: Vec<_> = sent.confirmed.iter().filter(|id| !times.contains_key(id.as_str())).collect();
        lost.sort_unstable();
        if !lost.is_empty() {
            let first: Vec<_> = lost.iter().take(5).map(|it| it.as_str()).collect();
            self.find(format!("{} were lost, among them {}", lost.len(), first.join(", ")));
        }
    }

    fn find(&mut self, what: String) {
        self.findings.push(what);
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, seen, twice, may_be_twice, .. } = self;
        let revisions = self.revisions.len();
        write!(f, "sent {sent}, out {seen}, twice {twice} of at most {may_be_twice}, by {revisions} revisions")?;
        // Where much is wrong, the first findings tell enough.
        for finding in self.findings.iter().take(5) {
            write!(f, "\n    WRONG: {finding}")?;
        }
        if self.findings.len() > 5 {
            write!(f, "\n    and {} more", self.findings.len() - 5)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(ids: &[&str]) -> Sent {
        Sent { confirmed: ids.iter().map(|it| (*it).to_owned()).collect(), unsure: HashSet::new() }
    }

    fn seen(ids: &[&str]) -> Vec<Seen> {
        let one = |id: &&str| {
            let (key, _) = id.rsplit_once('-').unwrap_or((id, ""));
            Seen { id: (*id).to_owned(), key: Some(key.to_owned()), partition: 0, revision: "r1".into() }
        };
        ids.iter().map(one).collect()
    }

    fn findings(in_: &[&str], out: &[Seen], twice: usize) -> Vec<String> {
        let revisions = HashSet::from(["r1".to_owned()]);
        judge(&sent(in_), out, &revisions, Promise { twice, ordered: true }).findings
    }

    #[test]
    fn a_promise_that_is_kept_leaves_no_findings() {
        let ids = ["a-1", "b-1", "a-2", "a-3"];
        assert_eq!(findings(&ids, &seen(&ids), 0), [""; 0]);
        assert_eq!(findings(&ids, &seen(&["a-1", "a-2", "a-1", "a-2", "b-1", "a-3"]), 2), [""; 0], "twice, in order");
    }

    #[test]
    fn whatever_breaks_a_promise_is_found() {
        let ids = ["a-1", "a-2", "a-3"];
        let cases = [
            (seen(&["a-1", "a-3"]), "1 were lost, among them a-2"),
            (seen(&["a-1", "a-2", "a-2", "a-3", "a-3"]), "2 came out twice, of which 1 may"),
            (seen(&["a-2", "a-1", "a-3"]), "a-1 came out after a-2"),
            (seen(&["a-1", "a-2", "a-3", "a-4"]), "`a-4` was never sent"),
            (vec![Seen { key: Some("b".into()), ..seen(&["a-1"]).remove(0) }], "came out under the key Some(\"b\")"),
            (vec![Seen { revision: String::new(), ..seen(&["a-1"]).remove(0) }], "which was never deployed"),
            (
                [seen(&["a-1"]), vec![Seen { partition: 1, ..seen(&["a-2"]).remove(0) }]].concat(),
                "the key a is on partition 0 and on 1",
            ),
        ];
        for (out, told) in cases {
            let found = findings(&ids, &out, 1);
            assert!(found.iter().any(|it| it.contains(told)), "{told}: {found:?}");
        }
    }

    #[test]
    fn a_score_without_a_stamp_and_a_version_that_goes_back_are_found() {
        let scored = |id: &str, partition, version| Scored { id: id.into(), partition, version, error: String::new() };
        let good = [scored("a-1", 0, Some(1)), scored("b-1", 1, Some(2)), scored("a-2", 0, Some(2))];
        assert_eq!(unstamped(&good, 2), [""; 0]);
        let bad =
            [scored("a-1", 0, Some(2)), scored("a-2", 0, Some(1)), scored("a-3", 0, None), scored("a-4", 0, Some(3))];
        let found = unstamped(&bad, 2);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].contains("a-2 was scored by version 1, after 2"), "{found:?}");
    }

    #[test]
    fn what_the_sender_is_unsure_of_may_be_there_or_not() {
        let mut sent = sent(&["a-1"]);
        sent.unsure = HashSet::from(["a-2".to_owned(), "a-3".to_owned()]);
        let revisions = HashSet::from(["r1".to_owned()]);
        let promise = Promise { twice: 0, ordered: true };
        let verdict = judge(&sent, &seen(&["a-1", "a-2", "a-2"]), &revisions, promise);
        assert_eq!(verdict.findings(), [""; 0]);
    }
}
