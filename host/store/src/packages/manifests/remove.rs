//! Takes manifests and tags away: all but what is offered.

use host_core::{
    Digest,
    package::{Publisher, Repository},
    ports::{PackageError, Reference},
};

use super::{not_a_part, note};
use crate::{
    Store, StoreError,
    packages::{
        namespaces::{DELETE, enter},
        versions,
    },
    sql::{Tx, args},
};

pub(in crate::packages) async fn remove(
    store: &Store,
    repository: &Repository,
    reference: &Reference,
    who: &Publisher,
) -> Result<(), PackageError> {
    let mut tx = store.begin().await?;
    let now = tx.now().await?;
    enter(&mut tx, repository.namespace(), who, DELETE, now).await?;
    let digest = match reference {
        Reference::Tag(tag) => remove_tag(&mut tx, repository, tag).await?,
        Reference::Digest(digest) => {
            remove_digest(&mut tx, repository, digest).await?;
            *digest
        }
    };
    note(&mut tx, "manifest.deleted", repository, &digest, who, now).await?;
    Ok(tx.commit().await?)
}

/// What the tag pointed to.
async fn remove_tag(tx: &mut Tx, repository: &Repository, tag: &str) -> Result<Digest, PackageError> {
    let there = "SELECT digest FROM registry_tag WHERE repository = $1 AND tag = $2";
    let row = tx.row(there, args![repository.as_str(), tag]).await?;
    let digest: Digest = row.ok_or_else(|| PackageError::NotFound(format!("tag `{tag}`")))?.get("digest")?;
    versions::forget(tx, repository, &digest, Some(tag)).await?;
    tx.execute("DELETE FROM registry_tag WHERE repository = $1 AND tag = $2", args![repository.as_str(), tag]).await?;
    Ok(digest)
}

async fn remove_digest(tx: &mut Tx, repository: &Repository, digest: &Digest) -> Result<(), PackageError> {
    not_a_part(tx, repository, digest).await?;
    versions::keeps_docs(tx, repository, digest).await?;
    versions::forget(tx, repository, digest, None).await?;
    for delete in [
        "DELETE FROM registry_tag WHERE repository = $1 AND digest = $2",
        "DELETE FROM registry_part WHERE repository = $1 AND manifest = $2",
    ] {
        tx.execute(delete, args![repository.as_str(), digest]).await?;
    }
    let delete = "DELETE FROM registry_manifest WHERE repository = $1 AND digest = $2";
    if tx.execute(delete, args![repository.as_str(), digest]).await? == 0 {
        return Err(StoreError::NotFound(format!("manifest {digest}")).into());
    }
    Ok(())
}
