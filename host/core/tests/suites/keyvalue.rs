//! What every backend of keyed state must do; each backend's tests take these facts from here.

use std::sync::Arc;

use bytes::Bytes;
use host_core::{
    Name,
    ports::{Bucket, KeyValue, KeyValueError, LARGEST_VALUE, LONGEST_KEY},
};

/// A backend as two hosts see it, and a bucket that nobody else uses.
pub(crate) struct Subject {
    pub(crate) hosts: [Arc<dyn KeyValue>; 2],
    pub(crate) bucket: Bucket,
}

impl Subject {
    /// In a project of the test's own.
    pub(crate) fn new(hosts: [Arc<dyn KeyValue>; 2], project: &str) -> Self {
        let name = |text: &str| text.parse::<Name>().unwrap();
        Self { hosts, bucket: Bucket { project: name(project), name: name("default") } }
    }

    async fn get(&self, key: &str) -> Option<Bytes> {
        self.hosts[1].get(&self.bucket, &[key.to_owned()]).await.unwrap().remove(0)
    }

    async fn set(&self, key: &str, value: &[u8]) {
        let value = Bytes::copy_from_slice(value);
        self.hosts[0].set(&self.bucket, vec![(key.to_owned(), value)]).await.unwrap();
    }

    async fn swap(&self, key: &str, expected: Option<&'static [u8]>, value: &'static [u8]) -> bool {
        let expected = expected.map(Bytes::from_static);
        self.hosts[0].swap(&self.bucket, key, expected.as_ref(), Bytes::from_static(value)).await.unwrap()
    }

    async fn all_keys(&self, most: u32) -> (Vec<String>, usize) {
        let (mut all, mut pages, mut after) = (Vec::new(), 0, None);
        loop {
            let page = self.hosts[1].keys(&self.bucket, after.as_deref(), most).await.unwrap();
            assert!(page.keys.len() <= most as usize);
            all.extend(page.keys);
            pages += 1;
            match page.next {
                Some(next) => after = Some(next),
                None => return (all, pages),
            }
        }
    }
}

fn texts(all: &[&str]) -> Vec<String> {
    all.iter().map(|it| (*it).to_owned()).collect()
}

pub(crate) async fn a_value_is_read_as_it_was_written(it: Subject) {
    assert_eq!(it.get("k").await, None);
    let large = vec![b'x'; LARGEST_VALUE];
    let values: [&[u8]; 8] = [b"", b"text", b"7", b"a\0b", &[0xff, 0, 0xfe], "\u{1F377} ü".as_bytes(), b"YQA=", &large];
    for value in values {
        it.set("k", value).await;
        assert_eq!(it.get("k").await.as_deref(), Some(value));
    }
    let long = "k".repeat(LONGEST_KEY);
    it.set(&long, b"long").await;
    assert_eq!(it.get(&long).await.as_deref(), Some(&b"long"[..]));
    for key in [" ", "a/b:c*", "'; --", "{x}", "\u{1F377}", "K", "k\n"] {
        it.set(key, key.as_bytes()).await;
        assert_eq!(it.get(key).await.as_deref(), Some(key.as_bytes()), "{key:?}");
    }
    assert_eq!(it.get("k").await.map(|value| value.len()), Some(LARGEST_VALUE), "no key was taken for another");
}

pub(crate) async fn buckets_and_projects_are_apart(it: Subject) {
    it.set("k", b"here").await;
    let other = |project: &Name, name: &str| Bucket { project: project.clone(), name: name.parse().unwrap() };
    let elsewhere = other(&format!("{}-b", it.bucket.project).parse().unwrap(), "default");
    for bucket in [other(&it.bucket.project, "other"), elsewhere] {
        let state = &it.hosts[0];
        assert_eq!(state.get(&bucket, &texts(&["k"])).await.unwrap(), [None]);
        assert_eq!(state.keys(&bucket, None, 10).await.unwrap().keys, [""; 0]);
        assert_eq!(state.increment(&bucket, "k", 5).await, Ok(5));
        state.delete(&bucket, &texts(&["k"])).await.unwrap();
    }
    assert_eq!(it.get("k").await.as_deref(), Some(&b"here"[..]));
}

pub(crate) async fn many_keys_are_one_call(it: Subject) {
    let state = &it.hosts[0];
    let entry = |key: &str, value: &'static str| (key.to_owned(), Bytes::from_static(value.as_bytes()));
    state.set(&it.bucket, vec![entry("b", "1"), entry("a", "2"), entry("b", "3")]).await.unwrap();
    let read = state.get(&it.bucket, &texts(&["b", "x", "a", "b"])).await.unwrap();
    let read: Vec<_> = read.iter().map(|value| value.as_deref()).collect();
    assert_eq!(read, [Some(&b"3"[..]), None, Some(b"2"), Some(b"3")], "in their order; of two values the last");
    state.delete(&it.bucket, &texts(&["x", "a", "a"])).await.unwrap();
    assert_eq!(it.all_keys(10).await.0, ["b"]);
    let many: Vec<_> = (0..1_000).map(|n| (format!("{n:04}"), Bytes::from(n.to_string()))).collect();
    let keys: Vec<_> = many.iter().map(|(key, _)| key.clone()).collect();
    state.set(&it.bucket, many).await.unwrap();
    let read = state.get(&it.bucket, &keys).await.unwrap();
    assert!(read.iter().enumerate().all(|(n, value)| value.as_deref() == Some(n.to_string().as_bytes())));
    state.delete(&it.bucket, &keys).await.unwrap();
    assert_eq!(it.all_keys(10).await.0, ["b"]);
    assert_eq!(state.get(&it.bucket, &[]).await.unwrap(), []);
}

pub(crate) async fn keys_come_in_order_page_by_page(it: Subject) {
    assert_eq!(it.all_keys(3).await, (vec![], 1));
    // In the order of their bytes, whatever a database holds for the alphabet.
    let sorted = ["!", "-", "1", "10", "2", "A", "B", "_", "a", "a-b", "a_b", "ab", "ä", "\u{1F377}"];
    for key in ["ab", "B", "\u{1F377}", "1", "a_b", "-", "a", "_", "ä", "2", "!", "10", "a-b", "A"] {
        it.set(key, b"").await;
    }
    assert_eq!(it.all_keys(3).await, (texts(&sorted), 5));
    assert_eq!(it.all_keys(7).await, (texts(&sorted), 2), "no empty page at the end");
    assert_eq!(it.all_keys(100).await, (texts(&sorted), 1));
    it.hosts[0].delete(&it.bucket, &texts(&["a", "!"])).await.unwrap();
    let after = it.hosts[1].keys(&it.bucket, Some("a"), 2).await.unwrap();
    assert_eq!((after.keys, after.next.as_deref()), (texts(&["a-b", "a_b"]), Some("a_b")), "after a key that is gone");
}

pub(crate) async fn numbers_are_counted_and_nothing_else(it: Subject) {
    let state = &it.hosts[0];
    for (delta, sum) in [(5, 5), (-7, -2), (0, -2), (i64::MAX, i64::MAX - 2), (i64::MIN, -3)] {
        assert_eq!(state.increment(&it.bucket, "n", delta).await, Ok(sum));
        assert_eq!(it.get("n").await.as_deref(), Some(sum.to_string().as_bytes()));
    }
    assert_eq!(it.all_keys(10).await.0, ["n"], "a number is a key like any other");
    it.set("n", b"41").await;
    assert_eq!(state.increment(&it.bucket, "n", 1).await, Ok(42));
    for value in ["", "x", "+1", "007", "-0", " 1", "1.5", "9223372036854775808", "99999999999999999999999"] {
        it.set("n", value.as_bytes()).await;
        let error = state.increment(&it.bucket, "n", 1).await.unwrap_err();
        assert!(matches!(error, KeyValueError::Invalid(_)), "`{value}`: {error}");
        assert_eq!(it.get("n").await.as_deref(), Some(value.as_bytes()), "it stays as it was");
    }
    it.set("n", &[0xff]).await;
    assert!(matches!(state.increment(&it.bucket, "n", 1).await, Err(KeyValueError::Invalid(_))));
    for (value, delta) in [(i64::MAX, 1), (i64::MIN, -1)] {
        it.set("n", value.to_string().as_bytes()).await;
        assert!(matches!(state.increment(&it.bucket, "n", delta).await, Err(KeyValueError::Invalid(_))));
        assert_eq!(state.increment(&it.bucket, "n", 0).await, Ok(value));
    }
}

pub(crate) async fn a_value_is_swapped_only_for_the_expected_one(it: Subject) {
    assert!(!it.swap("k", Some(b"x"), b"1").await, "there is none");
    assert!(it.swap("k", None, b"1").await);
    assert!(!it.swap("k", None, b"2").await, "there is one");
    assert!(!it.swap("k", Some(b"x"), b"2").await && !it.swap("k", Some(b""), b"2").await);
    assert_eq!(it.get("k").await.as_deref(), Some(&b"1"[..]));
    assert!(it.swap("k", Some(b"1"), b"a\0b").await);
    assert!(!it.swap("k", Some(b"YQBi"), b"3").await, "base64 of it is another value");
    assert!(it.swap("k", Some(b"a\0b"), b"").await);
    assert!(it.swap("k", Some(b""), b"4").await);
    assert_eq!(it.all_keys(10).await.0, ["k"]);
    it.hosts[0].delete(&it.bucket, &texts(&["k"])).await.unwrap();
    assert!(!it.swap("k", Some(b"4"), b"5").await);
    assert_eq!(it.get("k").await, None);
}

pub(crate) async fn increments_of_two_hosts_lose_nothing(it: Subject) {
    let count = |n: usize| {
        let (state, bucket) = (it.hosts[n % 2].clone(), it.bucket.clone());
        tokio::spawn(async move {
            for _ in 0..25 {
                state.increment(&bucket, "n", 1).await.unwrap();
            }
        })
    };
    for task in (0..8).map(count).collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!(it.get("n").await.as_deref(), Some(&b"200"[..]));
}

pub(crate) async fn swaps_of_two_hosts_lose_nothing(it: Subject) {
    let count = |n: usize| {
        let (state, bucket) = (it.hosts[n % 2].clone(), it.bucket.clone());
        tokio::spawn(async move {
            let (mut left, mut lost) = (10, 0);
            while left > 0 {
                let seen = state.get(&bucket, &["n".to_owned()]).await.unwrap().remove(0);
                let next = seen.as_deref().map_or(0, <[u8]>::len) + 1;
                match state.swap(&bucket, "n", seen.as_ref(), vec![b'|'; next].into()).await.unwrap() {
                    true => left -= 1,
                    false => lost += 1,
                }
            }
            lost
        })
    };
    for task in (0..8).map(count).collect::<Vec<_>>() {
        let lost: u32 = task.await.unwrap();
        assert!(lost < 80, "each lost swap is another's that was not");
    }
    assert_eq!(it.get("n").await.map(|value| value.len()), Some(80));
}

pub(crate) async fn batches_of_two_hosts_over_the_same_keys_end(it: Subject) {
    let keys: Vec<String> = (0..50).map(|n| n.to_string()).collect();
    let write = |n: usize| {
        let (state, bucket, mut keys) = (it.hosts[n % 2].clone(), it.bucket.clone(), keys.clone());
        if n >= 2 {
            keys.reverse();
        }
        tokio::spawn(async move {
            for _ in 0..10 {
                let entries = keys.iter().map(|key| (key.clone(), Bytes::from(n.to_string()))).collect();
                state.set(&bucket, entries).await.unwrap();
            }
        })
    };
    for task in (0..4).map(write).collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let values = it.hosts[0].get(&it.bucket, &keys).await.unwrap();
    assert!(values.iter().all(|value| *value == values[0]), "all or none of each batch");
}

/// Makes each fact a test of the backend that `with` hands to it.
macro_rules! every_fact {
    ($with:path) => {
        $crate::suite::every_fact! { $with:
            a_value_is_read_as_it_was_written,
            buckets_and_projects_are_apart,
            many_keys_are_one_call,
            keys_come_in_order_page_by_page,
            numbers_are_counted_and_nothing_else,
            a_value_is_swapped_only_for_the_expected_one,
            increments_of_two_hosts_lose_nothing,
            swaps_of_two_hosts_lose_nothing,
            batches_of_two_hosts_over_the_same_keys_end,
        }
    };
    ($with:path: $($fact:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $fact() {
                $with(stringify!($fact), $crate::suite::$fact).await;
            }
        )*
    };
}
pub(crate) use every_fact;
