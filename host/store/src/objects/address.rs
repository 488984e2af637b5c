//! Where objects lie: a scheme, a bucket and a path in it.

use std::{fmt, path::PathBuf, str::FromStr};

use object_store::path::Path;
use url::Url;

/// Who keeps the objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// S3, or what speaks like it.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// Azure Blob Storage.
    Azure,
    /// A folder of this machine.
    File,
}

impl Scheme {
    /// As it begins a URL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Gcs => "gs",
            Self::Azure => "az",
            Self::File => "file",
        }
    }

    /// The scheme of a URL, where it is one of an object store.
    #[must_use]
    pub fn of(url: &str) -> Option<Self> {
        let (scheme, _) = url.split_once("://")?;
        [Self::S3, Self::Gcs, Self::Azure, Self::File].into_iter().find(|it| it.as_str().eq_ignore_ascii_case(scheme))
    }
}

/// A place in an object store. It holds no secrets, so it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Who keeps it.
    pub scheme: Scheme,
    /// The bucket or container; empty for a folder.
    pub bucket: String,
    /// The object, or what the names of several begin with.
    pub path: String,
}

/// A text that is no place in an object store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The scheme is none of ours.
    #[error(
        "`{0}` is no object store; write s3://bucket/path, gs://bucket/path, az://container/path or file:///folder"
    )]
    Scheme(String),
    /// Something that has no place there. The text is not repeated, for it may hold a secret.
    #[error("the address of an object store has {0}; {1}")]
    Extra(&'static str, &'static str),
    /// It cannot be read.
    #[error("`{url}` is not an address: {reason}")]
    Unreadable {
        /// The text.
        url: String,
        /// Why.
        reason: String,
    },
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unreadable = |reason: String| AddressError::Unreadable { url: text.to_owned(), reason };
        let Some(scheme) = Scheme::of(text) else {
            // Only what stands before `://`: the rest may hold a secret.
            return Err(AddressError::Scheme(text.split("://").next().unwrap_or_default().to_owned()));
        };
        // What may hold a secret is refused before anything can repeat it.
        let authority = text.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
        if authority.contains('@') {
            return Err(AddressError::Extra("a user in it", "write credentials under [objects] or in the environment"));
        }
        if text.contains(['?', '#']) {
            return Err(AddressError::Extra("a query", "write settings under [objects] or in the environment"));
        }
        let url = Url::parse(text).map_err(|error| unreadable(error.to_string()))?;
        if url.port().is_some() {
            return Err(unreadable("a bucket has no port; name another server by `endpoint` under [objects]".into()));
        }
        let bucket = url.host_str().unwrap_or_default().to_owned();
        if bucket.is_empty() != (scheme == Scheme::File) {
            let wanted = if scheme == Scheme::File { "file:///folder, without a host" } else { "a bucket after ://" };
            return Err(unreadable(format!("write {wanted}")));
        }
        let path = Path::from_url_path(url.path()).map_err(|error| unreadable(error.to_string()))?;
        Ok(Self { scheme, bucket, path: path.to_string() })
    }
}

impl Address {
    /// The key of what it names.
    pub(crate) fn key(&self) -> Path {
        Path::from(self.path.as_str())
    }

    /// The folder, where it is one of this machine.
    pub(crate) fn folder(&self) -> PathBuf {
        PathBuf::from(format!("/{}", self.path))
    }

    /// Whether `other` lies in the same bucket below this path.
    #[must_use]
    pub fn holds(&self, other: &Self) -> bool {
        let below = other.path.strip_prefix(&self.path);
        let is_below = self.path.is_empty() || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        self.scheme == other.scheme && self.bucket == other.bucket && is_below
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/{}", self.scheme.as_str(), self.bucket, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        text.parse::<Address>().map(|it| it.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_url_names_a_bucket_and_a_path() {
        for (text, same) in [
            ("s3://wine/raw/red.csv", "s3://wine/raw/red.csv"),
            ("s3://wine", "s3://wine/"),
            ("S3://wine/", "s3://wine/"),
            ("gs://a.b-c/x%20y", "gs://a.b-c/x y"),
            ("az://container/a/b/", "az://container/a/b"),
            ("file:///srv/weft", "file:///srv/weft"),
        ] {
            assert_eq!(read(text), Ok(same.to_owned()), "{text}");
        }
        assert_eq!("file:///srv/weft".parse::<Address>().unwrap().folder(), PathBuf::from("/srv/weft"));
    }

    #[test]
    fn what_is_no_address_is_refused_without_repeating_a_secret() {
        for text in [
            "",
            "s3",
            "wine/x",
            "s3://",
            "s3:///x",
            "https://s3.amazonaws.com/wine",
            "ftp://x/y",
            "s3://wine:9000/x",
            "file://host/x",
            "s3://wine/../../x",
            "s3://wine/%2e%2e/x",
        ] {
            match text.parse::<Address>() {
                // The parser of URLs resolves dots, and never leaves the bucket.
                Ok(address) => assert!(!address.path.contains("..") && address.bucket == "wine", "{text}: {address}"),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
        for text in [
            "s3://me:canary@wine/x",
            "az://c/x?sig=canary",
            "s3://wine/x#canary",
            "x://me:canary@wine",
            "x://wine?sig=canary",
        ] {
            let error = read(text).unwrap_err();
            assert!(!error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn a_place_holds_what_lies_below_it() {
        let at = |text: &str| text.parse::<Address>().unwrap();
        let artifacts = at("s3://wine/weft");
        for (other, is_held) in [
            ("s3://wine/weft", true),
            ("s3://wine/weft/sha256/ab", true),
            ("s3://wine/weft2/x", false),
            ("s3://wine/raw", false),
            ("s3://beer/weft/x", false),
            ("gs://wine/weft/x", false),
        ] {
            assert_eq!(artifacts.holds(&at(other)), is_held, "{other}");
        }
        assert!(at("s3://wine").holds(&artifacts));
    }
}
