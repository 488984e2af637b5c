//! `wasi:keyvalue`: the buckets that the manifest grants, by the draft that components are built with now.

use bytes::Bytes;
use wasmtime::component::{HasSelf, Linker, Resource};

use crate::guest::Guest;

mod draft;
mod held;
#[cfg(test)]
mod tests;

use held::{Denied, Opened, PAGE, Seen};

mod generated {
    wasmtime::component::bindgen!({
        path: "../../sdk/wit",
        inline: "
            package weft:keyvalue-host;

            world keeper {
                import wasi:keyvalue/store@0.2.0-draft2;
                import wasi:keyvalue/atomics@0.2.0-draft2;
                import wasi:keyvalue/batch@0.2.0-draft2;
            }
        ",
        imports: { default: async | trappable },
        require_store_data_send: true,
        with: {
            "wasi:keyvalue/store.bucket": super::held::Opened,
            "wasi:keyvalue/atomics.cas": super::held::Seen,
        },
    });
}

use generated::wasi::keyvalue::{
    atomics::{self, CasError},
    batch,
    store::{self, Error, KeyResponse},
};

/// Offers both drafts of the standard interfaces.
pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    store::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)?;
    atomics::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)?;
    batch::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)?;
    draft::link(linker)
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

    async fn list_keys(&mut self, bucket: Resource<Opened>, cursor: Option<String>) -> Answer<KeyResponse> {
        let page = self.list(&bucket, cursor.as_deref(), PAGE).await?;
        Ok(page.map(|page| KeyResponse { keys: page.keys, cursor: page.next }).map_err(Into::into))
    }

    async fn drop(&mut self, bucket: Resource<Opened>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl atomics::Host for Guest {
    async fn increment(&mut self, bucket: Resource<Opened>, key: String, delta: i64) -> Answer<i64> {
        Ok(self.count(&bucket, &key, delta).await?.map_err(Into::into))
    }

    async fn swap(&mut self, cas: Resource<Seen>, value: Vec<u8>) -> wasmtime::Result<Result<(), CasError>> {
        let Seen { bucket, key, value: expected } = self.let_go(cas)?;
        let swapped = self.state().swap(&bucket, &key, expected.as_ref(), Bytes::from(value)).await;
        match self.told(swapped) {
            Ok(true) => Ok(Ok(())),
            Ok(false) => Ok(Err(match self.see(bucket, key).await? {
                Ok(newer) => CasError::CasFailed(newer),
                Err(denied) => CasError::StoreError(denied.into()),
            })),
            Err(denied) => Ok(Err(CasError::StoreError(denied.into()))),
        }
    }
}

impl atomics::HostCas for Guest {
    async fn new(&mut self, bucket: Resource<Opened>, key: String) -> Answer<Resource<Seen>> {
        let bucket = self.table.get(&bucket)?.bucket.clone();
        Ok(self.see(bucket, key).await?.map_err(Into::into))
    }

    async fn current(&mut self, cas: Resource<Seen>) -> Answer<Option<Vec<u8>>> {
        Ok(Ok(self.table.get(&cas)?.value.as_ref().map(|value| value.to_vec())))
    }

    async fn drop(&mut self, cas: Resource<Seen>) -> wasmtime::Result<()> {
        self.let_go(cas).map(drop)
    }
}

impl batch::Host for Guest {
    async fn get_many(
        &mut self,
        bucket: Resource<Opened>,
        keys: Vec<String>,
    ) -> Answer<Vec<(String, Option<Vec<u8>>)>> {
        let pair = |(key, value): (String, Option<Bytes>)| (key, value.map(Into::into));
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
