//! `wasi:keyvalue@0.2.0-draft`: the draft before, which `wasmtime` itself offers and components are still built with.
//! It counts without a sign, and lists page by page by number.

use bytes::Bytes;
use wasmtime::component::{HasSelf, Linker, Resource};

use super::held::{Denied, Opened, PAGE};
use crate::guest::Guest;

mod generated {
    wasmtime::component::bindgen!({
        path: "wit/wasi-keyvalue-draft.wit",
        world: "imports",
        imports: { default: async | trappable },
        require_store_data_send: true,
        with: { "wasi:keyvalue/store.bucket": super::super::held::Opened },
    });
}

use generated::wasi::keyvalue::{
    atomics, batch,
    store::{self, Error, KeyResponse},
};

/// Offers the standard interfaces.
pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    store::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)?;
    atomics::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)?;
    batch::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)
}

/// What a guest gets: an answer or the reason why not; or a trap.
type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl store::Host for Guest {
    async fn open(&mut self, identifier: String) -> Answer<Resource<Opened>> {
        Ok(self.open_bucket(&identifier)?.map_err(Into::into))
    }
}

impl store::HostBucket for Guest {
    async fn get(&mut self, bucket: Resource<Opened>, key: String) -> Answer<Option<Vec<u8>>> {
        Ok(self.read_one(&bucket, key).await?.map(|value| value.map(Into::into)).map_err(Into::into))
    }

    async fn set(&mut self, bucket: Resource<Opened>, key: String, value: Vec<u8>) -> Answer<()> {
        Ok(self.write(&bucket, vec![(key, value)]).await?.map_err(Into::into))
    }

    async fn delete(&mut self, bucket: Resource<Opened>, key: String) -> Answer<()> {
        Ok(self.forget(&bucket, vec![key]).await?.map_err(Into::into))
    }

    async fn exists(&mut self, bucket: Resource<Opened>, key: String) -> Answer<bool> {
        Ok(self.read_one(&bucket, key).await?.map(|value| value.is_some()).map_err(Into::into))
    }

    async fn list_keys(&mut self, bucket: Resource<Opened>, cursor: Option<u64>) -> Answer<KeyResponse> {
        let after = match (cursor, &self.table.get(&bucket)?.page) {
            (None, _) => None,
            (Some(asked), Some((page, last))) if asked == *page => Some(last.clone()),
            _ => return Ok(Err(Error::Other("only the page after the last one can be listed; begin again".into()))),
        };
        let page = match self.list(&bucket, after.as_deref(), PAGE).await? {
            Ok(page) => page,
            Err(denied) => return Ok(Err(denied.into())),
        };
        let cursor = page.next.is_some().then(|| cursor.unwrap_or(0).saturating_add(1));
        self.table.get_mut(&bucket)?.page = cursor.zip(page.next);
        Ok(Ok(KeyResponse { keys: page.keys, cursor }))
    }

    async fn drop(&mut self, bucket: Resource<Opened>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl atomics::Host for Guest {
    async fn increment(&mut self, bucket: Resource<Opened>, key: String, delta: u64) -> Answer<u64> {
        let Ok(delta) = i64::try_from(delta) else { return Ok(Err(beyond())) };
        Ok(match self.count(&bucket, &key, delta).await? {
            Ok(sum) => u64::try_from(sum).map_err(|_| beyond()),
            Err(denied) => Err(denied.into()),
        })
    }
}

/// Numbers are kept with a sign.
fn beyond() -> Error {
    Error::Other("the number is not one from 0 to 2^63 - 1".into())
}

impl batch::Host for Guest {
    async fn get_many(
        &mut self,
        bucket: Resource<Opened>,
        keys: Vec<String>,
    ) -> Answer<Vec<Option<(String, Vec<u8>)>>> {
        let pair = |(key, value): (String, Option<Bytes>)| value.map(|value| (key, value.into()));
        Ok(match self.read(&bucket, &keys).await? {
            Ok(values) => Ok(keys.into_iter().zip(values).map(pair).collect()),
            Err(denied) => Err(denied.into()),
        })
    }

    async fn set_many(&mut self, bucket: Resource<Opened>, entries: Vec<(String, Vec<u8>)>) -> Answer<()> {
        Ok(self.write(&bucket, entries).await?.map_err(Into::into))
    }

    async fn delete_many(&mut self, bucket: Resource<Opened>, keys: Vec<String>) -> Answer<()> {
        Ok(self.forget(&bucket, keys).await?.map_err(Into::into))
    }
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::NoSuchStore => Self::NoSuchStore,
            Denied::Other(why) => Self::Other(why),
        }
    }
}
