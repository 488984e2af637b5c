//! A registry in memory: models whose bytes begin with `good` load.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    time::Instant,
};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use host_core::{
    Digest,
    artifact::Blob,
    call::{InferCall, Prediction},
    manifest::{Manifest, Trigger},
    model::{Alias, At, LoadError, ScoreError, TensorSpec, VersionId},
    ports::{ArtifactError, ArtifactStream, Endpoint, FetchError, ModelError, StreamError, TriggerId},
    tensor::{Dtype, Tensor},
};
use jiff::Timestamp;
use parking_lot::Mutex;

use super::*;

#[derive(Default)]
pub(super) struct Fake {
    bytes: Mutex<HashMap<Digest, Bytes>>,
    versions: Mutex<Vec<Version>>,
    moves: Mutex<Vec<Alias>>,
    refused: Mutex<Vec<(String, String)>>,
}

impl Fake {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(super) fn registry(self: &Arc<Self>) -> Registry {
        Registry {
            streams: self.clone(),
            artifacts: self.clone(),
            fetch: self.clone(),
            score: self.clone(),
            models: self.clone(),
            largest: 1 << 20,
        }
    }

    /// Which alias moved where, in order.
    pub(super) fn moves(&self) -> Vec<(String, u64)> {
        self.moves.lock().iter().map(|it| (format!("{}@{}", it.model, it.alias), it.number)).collect()
    }

    /// What was refused, and why.
    pub(super) fn refused(&self) -> Vec<(String, String)> {
        self.refused.lock().clone()
    }
}

#[async_trait]
impl ModelStreams for Fake {
    async fn all(&self) -> Result<Vec<ModelStream>, StreamError> {
        let text = "name = \"x\"\n[[triggers]]\nkind = \"kafka\"\nbrokers = [\"a:1\"]\ntopics = [\"models\"]\n";
        let source: Trigger = Manifest::parse(text).unwrap().triggers.remove(0);
        Ok(vec![ModelStream {
            project: Name::default_project(),
            name: "wine-models".parse().unwrap(),
            source,
            alias: "production".parse().unwrap(),
            created_by: "ann".into(),
            created_at: Timestamp::UNIX_EPOCH,
        }])
    }

    async fn streams(&self, _: &Name) -> Result<Vec<ModelStream>, StreamError> {
        self.all().await
    }

    async fn add(&self, _: ModelStream) -> Result<ModelStream, StreamError> {
        unreachable!()
    }

    async fn remove(&self, _: &Name, _: &Name, _: &str) -> Result<(), StreamError> {
        unreachable!()
    }

    async fn refused(&self, stream: &TriggerId, subject: &str, reason: &str) -> Result<(), StreamError> {
        assert_eq!(stream.function.as_str(), MODELS);
        self.refused.lock().push((subject.to_owned(), reason.to_owned()));
        Ok(())
    }
}

#[async_trait]
impl Fetch for Fake {
    async fn fetch(&self, url: &str) -> Result<ArtifactStream, FetchError> {
        let url = url.to_owned();
        match url.as_str() {
            "https://models/good" => Ok(stream::iter([Ok(Bytes::from_static(b"good from afar"))]).boxed()),
            "https://models/missing" => Err(FetchError::Status { url, status: 404 }),
            "https://models/away" => Err(FetchError::Unreachable { url, reason: "it is away".into() }),
            _ => Err(FetchError::Refused { url, reason: "it is no web address".into() }),
        }
    }
}

#[async_trait]
impl Artifacts for Fake {
    async fn put(&self, bytes: Bytes) -> Result<Blob, ArtifactError> {
        let blob = Blob { digest: Digest::of(&bytes), size: bytes.len() as u64 };
        self.bytes.lock().insert(blob.digest, bytes);
        Ok(blob)
    }

    async fn put_file(&self, _: &Path) -> Result<Blob, ArtifactError> {
        unreachable!()
    }

    async fn put_stream(&self, stream: ArtifactStream, _: u64, _: Option<Digest>) -> Result<Blob, ArtifactError> {
        let parts: Vec<Bytes> = stream.try_collect().await?;
        self.put(parts.concat().into()).await
    }

    async fn get(&self, digest: &Digest, _: u64) -> Result<Bytes, ArtifactError> {
        self.bytes.lock().get(digest).cloned().ok_or(ArtifactError::NotFound(*digest))
    }

    async fn stream(&self, _: &Digest) -> Result<(u64, ArtifactStream), ArtifactError> {
        unreachable!()
    }

    async fn materialise(&self, _: &Digest, _: &Path) -> Result<(), ArtifactError> {
        unreachable!()
    }

    async fn file(&self, _: &Digest) -> Result<PathBuf, ArtifactError> {
        unreachable!()
    }

    async fn size(&self, _: &Digest) -> Result<Option<u64>, ArtifactError> {
        unreachable!()
    }
}

#[async_trait]
impl Score for Fake {
    fn current(&self, _: &Name, _: &ModelRef) -> Result<Version, ScoreError> {
        unreachable!()
    }

    async fn infer(&self, _: &Name, _: &ModelRef, _: InferCall, _: Option<Instant>) -> Result<Prediction, ScoreError> {
        unreachable!()
    }

    async fn infer_version(&self, _: &VersionId, _: InferCall, _: Option<Instant>) -> Result<Prediction, ScoreError> {
        unreachable!()
    }

    async fn infer_file(
        &self,
        _: Digest,
        _: &Path,
        _: InferCall,
        _: Option<Instant>,
    ) -> Result<Vec<Tensor>, ScoreError> {
        unreachable!()
    }

    async fn verify(&self, format: &str, bytes: Bytes) -> Result<Signature, LoadError> {
        if format != "onnx" {
            return Err(LoadError::Format(format.to_owned()));
        }
        if !bytes.starts_with(b"good") {
            return Err(LoadError::Corrupt("it is not ONNX".to_owned()));
        }
        let input = TensorSpec { name: "input".to_owned(), datatype: Dtype::Fp32, shape: vec![-1, 11] };
        Ok(Signature { inputs: vec![input], outputs: Vec::new() })
    }
}

#[async_trait]
impl Models for Fake {
    async fn generation(&self) -> Result<u64, ModelError> {
        unreachable!()
    }

    async fn register(&self, new: NewVersion) -> Result<Version, ModelError> {
        let mut versions = self.versions.lock();
        let id = |it: &Version| it.origin.as_ref().map(|it| it.id.clone());
        if let Some(there) = versions.iter().find(|it| id(it) == new.origin.as_ref().map(|it| it.id.clone())) {
            return Ok(there.clone());
        }
        let version = Version {
            id: VersionId { model: new.model, number: versions.len() as u64 + 1, digest: new.digest },
            format: new.format,
            signature: new.signature,
            metrics: new.metrics,
            description: new.description,
            run: None,
            step: None,
            origin: new.origin,
            created_by: new.created_by,
            created_at: Timestamp::UNIX_EPOCH,
            retired_at: None,
        };
        versions.push(version.clone());
        Ok(version)
    }

    async fn resolve(&self, _: &Name, reference: &ModelRef) -> Result<Version, ModelError> {
        let At::Alias(alias) = &reference.at else { panic!("another reference") };
        let moves = self.moves.lock();
        let last = moves.iter().rev().find(|it| it.model == reference.model && it.alias == *alias).unwrap();
        Ok(self.versions.lock().iter().find(|it| it.id.number == last.number).unwrap().clone())
    }

    async fn promote(
        &self,
        _: &Name,
        model: &Name,
        alias: &Name,
        number: u64,
        who: &str,
    ) -> Result<Option<u64>, ModelError> {
        let (model, alias, moved_by) = (model.clone(), alias.clone(), who.to_owned());
        self.moves.lock().push(Alias { model, alias, number, moved_at: Timestamp::UNIX_EPOCH, moved_by });
        Ok(None)
    }

    async fn rollback(&self, _: &Name, _: &Name, _: &Name, _: &str) -> Result<u64, ModelError> {
        unreachable!()
    }

    async fn models(&self, _: &Name) -> Result<Vec<Name>, ModelError> {
        unreachable!()
    }

    async fn versions(&self, _: &Name, _: &Name) -> Result<Vec<Version>, ModelError> {
        unreachable!()
    }

    async fn aliases(&self, _: &Name, _: &Name) -> Result<Vec<Alias>, ModelError> {
        unreachable!()
    }

    async fn history(&self, _: &Name, _: &Name) -> Result<Vec<Alias>, ModelError> {
        Ok(self.moves.lock().clone())
    }

    async fn serve(&self, _: &Name, _: Endpoint) -> Result<(), ModelError> {
        unreachable!()
    }

    async fn endpoints(&self, _: &Name) -> Result<Vec<Endpoint>, ModelError> {
        unreachable!()
    }
}
