//! Keyed state: what a function remembers between calls, in the buckets that its manifest grants.
//!
//! Functions of one project that are granted the same bucket share it; other projects never see it. Values are read and
//! written as JSON, unless they are `Vec<u8>` or `String`, which are kept as they are.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use weft::{Event, Failure, keyvalue};
//!
//! #[derive(Default, Serialize, Deserialize)]
//! struct Total { orders: u64, cents: u64 }
//!
//! #[derive(Deserialize)]
//! struct Order { customer: String, cents: u64 }
//!
//! #[weft::handler]
//! fn add_up(event: Event<Order>) -> Result<Total, Failure> {
//!     let Order { customer, cents } = event.data;
//!     let totals = keyvalue::open("default")?;
//!     // Read, changed and written as one, whoever else is at the same key.
//!     let total = totals.update(&customer, |total: Option<Total>| {
//!         let Total { orders, cents: so_far } = total.unwrap_or_default();
//!         Total { orders: orders + 1, cents: so_far + cents }
//!     })?;
//!     Ok(total)
//! }
//! # fn main() {}
//! ```
//!
//! **An event may come again**, after a crash or a retry. [`Bucket::increment`] counts it again; a record that also holds
//! what was counted already, changed by [`Bucket::update`], does not.

use std::fmt;

use serde::{Serialize, de::DeserializeOwned};

#[cfg(target_arch = "wasm32")]
use crate::bindings::wasi::keyvalue as host;
#[cfg(not(target_arch = "wasm32"))]
use crate::native::keyvalue as host;
use crate::{Failure, codec};

use host::{
    atomics::{self, Cas, CasError},
    batch, store,
};

/// How often [`Bucket::update`] begins again because somebody else was at the key, before it gives up.
const ATTEMPTS: u32 = 1_000;

/// Why state could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The manifest grants no such bucket.
    NotGranted(String),
    /// A value is not what it was read as.
    Invalid(String),
    /// Others changed the key again and again; try again later.
    Busy(String),
    /// The host refused, or its store failed; the text says which.
    Failed(String),
}

impl Error {
    /// The failure it makes of a call. A store that is away may be back for the next attempt.
    pub(crate) fn failure(&self) -> Failure {
        match self {
            Self::NotGranted(_) => Failure::fatal("state-not-granted", self),
            Self::Invalid(_) => Failure::fatal("bad-state", self),
            Self::Busy(_) => Failure::transient("state-busy", self),
            Self::Failed(_) => Failure::transient("state-failed", self),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotGranted(name) => {
                write!(f, "the bucket `{name}` is not granted: add it to `keyvalue` under [grants]")
            }
            Self::Busy(key) => write!(f, "`{key}` was changed by others {ATTEMPTS} times while it was updated"),
            Self::Invalid(why) | Self::Failed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Error {}

/// A bucket of keyed state.
#[derive(Debug)]
pub struct Bucket {
    name: String,
    bucket: store::Bucket,
}

/// The bucket of that name, which the manifest grants: `keyvalue = ["default"]`.
pub fn open(name: &str) -> Result<Bucket, Error> {
    let bucket = store::open(name).map_err(|error| explained(name, error))?;
    Ok(Bucket { name: name.to_owned(), bucket })
}

impl Bucket {
    /// The value of a key; `None` where it has none.
    pub fn get<T: DeserializeOwned + 'static>(&self, key: &str) -> Result<Option<T>, Error> {
        let value = self.bucket.get(key).map_err(|error| self.explained(error))?;
        value.map(|it| read(key, it)).transpose()
    }

    /// Gives a key a value, whatever it had.
    pub fn set<T: Serialize + 'static>(&self, key: &str, value: &T) -> Result<(), Error> {
        self.bucket.set(key, &written(key, value)?).map_err(|error| self.explained(error))
    }

    /// Forgets a key.
    pub fn delete(&self, key: &str) -> Result<(), Error> {
        self.bucket.delete(key).map_err(|error| self.explained(error))
    }

    /// Whether a key has a value.
    pub fn exists(&self, key: &str) -> Result<bool, Error> {
        self.bucket.exists(key).map_err(|error| self.explained(error))
    }

    /// Adds to the number that a key has, and says the sum: atomically, whoever else does. A key without a value counts
    /// from 0. What is kept is the number as text, which [`Bucket::get`] reads as an `i64`.
    pub fn increment(&self, key: &str, by: i64) -> Result<i64, Error> {
        atomics::increment(&self.bucket, key, by).map_err(|error| self.explained(error))
    }

    /// Changes the value of a key and says what it is now: atomically, whoever else does. `change` is asked again with
    /// the newer value where somebody came between. What it leaves as it was is not written.
    pub fn update<T>(&self, key: &str, mut change: impl FnMut(Option<T>) -> T) -> Result<T, Error>
    where
        T: Serialize + DeserializeOwned + 'static,
    {
        let mut seen = Cas::new(&self.bucket, key).map_err(|error| self.explained(error))?;
        for _ in 0..ATTEMPTS {
            let current = seen.current().map_err(|error| self.explained(error))?;
            let new = change(current.clone().map(|it| read(key, it)).transpose()?);
            let bytes = written(key, &new)?;
            if current.as_ref() == Some(&bytes) {
                return Ok(new);
            }
            match atomics::swap(seen, &bytes) {
                Ok(()) => return Ok(new),
                Err(CasError::CasFailed(newer)) => seen = newer,
                Err(CasError::StoreError(error)) => return Err(self.explained(error)),
            }
        }
        Err(Error::Busy(key.to_owned()))
    }

    /// The values of many keys, in their order.
    pub fn get_many<T: DeserializeOwned + 'static>(&self, keys: &[String]) -> Result<Vec<Option<T>>, Error> {
        let values = batch::get_many(&self.bucket, keys).map_err(|error| self.explained(error))?;
        values.into_iter().map(|(key, value)| value.map(|it| read(&key, it)).transpose()).collect()
    }

    /// Gives many keys their values: all or none.
    pub fn set_many<T: Serialize + 'static>(&self, entries: &[(String, T)]) -> Result<(), Error> {
        let written = |(key, value): &(String, T)| Ok((key.clone(), written(key, value)?));
        let entries = entries.iter().map(written).collect::<Result<Vec<_>, Error>>()?;
        batch::set_many(&self.bucket, &entries).map_err(|error| self.explained(error))
    }

    /// Forgets many keys: all or none.
    pub fn delete_many(&self, keys: &[String]) -> Result<(), Error> {
        batch::delete_many(&self.bucket, keys).map_err(|error| self.explained(error))
    }

    /// Every key, in order, read page by page.
    pub fn keys(&self) -> impl Iterator<Item = Result<String, Error>> + '_ {
        let (mut page, mut cursor, mut is_over) = (Vec::new().into_iter(), None::<String>, false);
        std::iter::from_fn(move || {
            loop {
                if let Some(key) = page.next() {
                    return Some(Ok(key));
                }
                if is_over {
                    return None;
                }
                match self.bucket.list_keys(cursor.as_deref()) {
                    Ok(next) => (page, is_over, cursor) = (next.keys.into_iter(), next.cursor.is_none(), next.cursor),
                    Err(error) => {
                        is_over = true;
                        return Some(Err(self.explained(error)));
                    }
                }
            }
        })
    }

    fn explained(&self, error: store::Error) -> Error {
        explained(&self.name, error)
    }
}

fn explained(bucket: &str, error: store::Error) -> Error {
    match error {
        store::Error::NoSuchStore | store::Error::AccessDenied => Error::NotGranted(bucket.to_owned()),
        store::Error::Other(why) => Error::Failed(why),
    }
}

fn read<T: DeserializeOwned + 'static>(key: &str, value: Vec<u8>) -> Result<T, Error> {
    codec::decode(value).map_err(|failure| Error::Invalid(format!("the value of `{key}` cannot be read: {failure}")))
}

fn written<T: Serialize + 'static>(key: &str, value: &T) -> Result<Vec<u8>, Error> {
    let encoded = codec::encode(value)
        .map_err(|failure| Error::Invalid(format!("the value of `{key}` cannot be written: {failure}")))?;
    Ok(encoded.map_or_else(|| b"null".to_vec(), |(bytes, _)| bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn natively_state_lasts_as_long_as_the_test() {
        let bucket = open("default").unwrap();
        assert_eq!(bucket.get::<u64>("wine").unwrap(), None);
        bucket.set("wine", &7_u64).unwrap();
        assert_eq!(bucket.get::<u64>("wine").unwrap(), Some(7));
        assert_eq!(open("other").unwrap().get::<u64>("wine").unwrap(), None);
        bucket.set("text", &"as it is".to_owned()).unwrap();
        assert_eq!(bucket.get::<Vec<u8>>("text").unwrap().unwrap(), b"as it is");
        let keys: Vec<_> = bucket.keys().map(Result::unwrap).collect();
        assert_eq!(keys, ["text", "wine"]);
        bucket.delete("wine").unwrap();
        assert!(!bucket.exists("wine").unwrap());
    }

    #[test]
    fn an_update_sees_what_came_between() {
        let bucket = open("default").unwrap();
        let mut between = Some(5_i64);
        let sum = bucket.update("n", |seen: Option<i64>| {
            if let Some(other) = between.take() {
                open("default").unwrap().set("n", &other).unwrap();
            }
            seen.unwrap_or(0) + 1
        });
        assert_eq!(sum, Ok(6));
        assert_eq!(bucket.increment("n", -2), Ok(4));
        assert_eq!(bucket.get("n"), Ok(Some(4)));
    }

    #[test]
    fn who_is_never_alone_gives_up() {
        let (bucket, mut others) = (open("default").unwrap(), 0_i64);
        let updated = bucket.update("n", |seen: Option<i64>| {
            others += 10;
            open("default").unwrap().set("n", &others).unwrap();
            seen.unwrap_or(0) + 1
        });
        assert_eq!(updated, Err(Error::Busy("n".to_owned())));
        assert_eq!(Failure::from(updated.unwrap_err()).kind, crate::failure::Kind::Transient);
    }

    #[test]
    fn a_value_that_cannot_be_read_says_whose_it_is() {
        let bucket = open("default").unwrap();
        bucket.set("n", &"seven".to_owned()).unwrap();
        let error = bucket.get::<u64>("n").unwrap_err();
        assert!(error.to_string().contains("the value of `n`"), "{error}");
        assert!(bucket.increment("n", 1).is_err());
    }

    #[test]
    fn many_keys_are_one_call() {
        let bucket = open("default").unwrap();
        bucket.set_many(&[("a".to_owned(), 1), ("b".to_owned(), 2)]).unwrap();
        let keys = ["b".to_owned(), "x".to_owned(), "a".to_owned()];
        assert_eq!(bucket.get_many::<i32>(&keys).unwrap(), [Some(2), None, Some(1)]);
        bucket.delete_many(&keys).unwrap();
        assert_eq!(bucket.keys().count(), 0);
    }
}
