//! Keyed state in memory, as long as the thread lives, so that every test begins with none.

use std::{cell::RefCell, collections::BTreeMap};

thread_local! {
    /// Values by bucket and key.
    static VALUES: RefCell<BTreeMap<(String, String), Vec<u8>>> = const { RefCell::new(BTreeMap::new()) };
}

fn value(bucket: &store::Bucket, key: &str) -> Option<Vec<u8>> {
    VALUES.with_borrow(|values| values.get(&(bucket.name.clone(), key.to_owned())).cloned())
}

fn keep(bucket: &store::Bucket, key: &str, value: &[u8]) {
    VALUES.with_borrow_mut(|values| values.insert((bucket.name.clone(), key.to_owned()), value.to_vec()));
}

/// Buckets: any name is granted.
pub(crate) mod store {
    use super::VALUES;

    pub(crate) use crate::bindings::wasi::keyvalue::store::{Error, KeyResponse};

    #[derive(Debug, Clone)]
    pub(crate) struct Bucket {
        pub(super) name: String,
    }

    #[expect(clippy::unnecessary_wraps, reason = "the host may refuse")]
    pub(crate) fn open(name: &str) -> Result<Bucket, Error> {
        Ok(Bucket { name: name.to_owned() })
    }

    #[expect(clippy::unnecessary_wraps, reason = "the host may refuse")]
    impl Bucket {
        pub(crate) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
            Ok(super::value(self, key))
        }

        pub(crate) fn set(&self, key: &str, value: &[u8]) -> Result<(), Error> {
            super::keep(self, key, value);
            Ok(())
        }

        pub(crate) fn delete(&self, key: &str) -> Result<(), Error> {
            VALUES.with_borrow_mut(|values| values.remove(&(self.name.clone(), key.to_owned())));
            Ok(())
        }

        pub(crate) fn exists(&self, key: &str) -> Result<bool, Error> {
            Ok(super::value(self, key).is_some())
        }

        pub(crate) fn list_keys(&self, _cursor: Option<&str>) -> Result<KeyResponse, Error> {
            let ours = |(bucket, key): &(String, String)| (*bucket == self.name).then(|| key.clone());
            let keys = VALUES.with_borrow(|values| values.keys().filter_map(ours).collect());
            Ok(KeyResponse { keys, cursor: None })
        }
    }
}

/// What happens as a whole.
pub(crate) mod atomics {
    use super::store::{Bucket, Error};

    pub(crate) enum CasError {
        #[expect(dead_code, reason = "the host's store may fail, this one does not")]
        StoreError(Error),
        CasFailed(Cas),
    }

    pub(crate) struct Cas {
        bucket: Bucket,
        key: String,
        seen: Option<Vec<u8>>,
    }

    #[expect(clippy::unnecessary_wraps, reason = "the host may refuse")]
    impl Cas {
        pub(crate) fn new(bucket: &Bucket, key: &str) -> Result<Self, Error> {
            Ok(Self { bucket: bucket.clone(), key: key.to_owned(), seen: super::value(bucket, key) })
        }

        pub(crate) fn current(&self) -> Result<Option<Vec<u8>>, Error> {
            Ok(self.seen.clone())
        }
    }

    pub(crate) fn increment(bucket: &Bucket, key: &str, delta: i64) -> Result<i64, Error> {
        let text = super::value(bucket, key).unwrap_or_else(|| b"0".to_vec());
        let number = std::str::from_utf8(&text).ok().and_then(|it| it.parse::<i64>().ok());
        let sum = number.and_then(|it| it.checked_add(delta));
        let sum = sum.ok_or_else(|| Error::Other(format!("`{key}` is no number that can be counted on")))?;
        super::keep(bucket, key, sum.to_string().as_bytes());
        Ok(sum)
    }

    pub(crate) fn swap(cas: Cas, value: &[u8]) -> Result<(), CasError> {
        let now = super::value(&cas.bucket, &cas.key);
        if now != cas.seen {
            return Err(CasError::CasFailed(Cas { seen: now, ..cas }));
        }
        super::keep(&cas.bucket, &cas.key, value);
        Ok(())
    }
}

/// Many at once.
#[expect(clippy::unnecessary_wraps, reason = "the host may refuse")]
pub(crate) mod batch {
    use super::store::{Bucket, Error};

    /// A key, and its value if it has one.
    type Pair = (String, Option<Vec<u8>>);

    pub(crate) fn get_many(bucket: &Bucket, keys: &[String]) -> Result<Vec<Pair>, Error> {
        Ok(keys.iter().map(|key| (key.clone(), super::value(bucket, key))).collect())
    }

    pub(crate) fn set_many(bucket: &Bucket, entries: &[(String, Vec<u8>)]) -> Result<(), Error> {
        entries.iter().try_for_each(|(key, value)| bucket.set(key, value))
    }

    pub(crate) fn delete_many(bucket: &Bucket, keys: &[String]) -> Result<(), Error> {
        keys.iter().try_for_each(|key| bucket.delete(key))
    }
}
