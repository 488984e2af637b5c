//! The folder of one attempt: copies of its inputs, and what it leaves behind.

use std::path::{Path, PathBuf};

use host_core::{
    artifact::Kind,
    call::JobInput,
    event::{Failure, code},
    manifest::Manifest,
    ports::Artifacts,
    run::{StepInput, StepOutput},
};

use crate::{failure::of_artifact, tracker::Tracker};

/// A folder that is gone when the attempt is over.
#[derive(Debug)]
pub(crate) struct Workspace {
    folder: tempfile::TempDir,
}

impl Workspace {
    /// A new, empty one.
    pub(crate) fn new() -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("weft-step-").tempdir().map_err(|error| no_room(&error))?;
        std::fs::create_dir(folder.path().join("out")).map_err(|error| no_room(&error))?;
        Ok(Self { folder })
    }

    /// What becomes `/out`.
    pub(crate) fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    /// Makes sure that the bytes of every input are there and whole.
    pub(crate) async fn inputs(
        &self,
        artifacts: &dyn Artifacts,
        inputs: &[StepInput],
    ) -> Result<Vec<JobInput>, Failure> {
        let mut files = Vec::with_capacity(inputs.len());
        for input in inputs {
            let path = artifacts.file(&input.digest).await.map_err(|error| of_artifact(&input.name, &error))?;
            let (name, kind, media_type) = (input.name.clone(), input.kind, input.media_type.clone());
            files.push(JobInput { name, path, digest: input.digest, kind, media_type });
        }
        Ok(files)
    }

    /// Stores what the job left under `/out`, described by the manifest and by the job itself.
    pub(crate) async fn outputs(
        &self,
        artifacts: &dyn Artifacts,
        names: &[String],
        manifest: &Manifest,
        tracker: &Tracker,
    ) -> Result<Vec<StepOutput>, Failure> {
        let mut outputs = Vec::with_capacity(names.len());
        for name in names {
            let file = self.out().join(name);
            check_plain(&file, name)?;
            let blob = artifacts.put_file(&file).await.map_err(|error| of_artifact(name, &error))?;
            outputs.push(described(name, blob, manifest, tracker));
        }
        Ok(outputs)
    }
}

fn described(name: &str, blob: host_core::artifact::Blob, manifest: &Manifest, tracker: &Tracker) -> StepOutput {
    let declared = manifest.outputs.get(name);
    let told = tracker.description(name);
    let kind = told.as_ref().map(|it| it.kind).filter(|kind| *kind != Kind::File).or(declared.map(|it| it.kind));
    StepOutput {
        name: name.to_owned(),
        digest: blob.digest,
        size: blob.size,
        kind: kind.unwrap_or_default(),
        media_type: declared.and_then(|it| it.media_type.clone()),
        metadata: told.map(|it| it.metadata).unwrap_or_default(),
    }
}

/// A link would let a job publish a file of the host's.
fn check_plain(file: &Path, name: &str) -> Result<(), Failure> {
    if file.file_name().is_none_or(|it| it != name) {
        return Err(Failure::fatal("bad-output", format!("output `{name}` is not a plain file name")));
    }
    match std::fs::symlink_metadata(file) {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(_) => Err(Failure::fatal("bad-output", format!("output `{name}` is not a plain file"))),
        Err(error) => Err(Failure::fatal(code::MISSING_OUTPUT, format!("output `{name}` cannot be read: {error}"))),
    }
}

fn no_room(error: &std::io::Error) -> Failure {
    Failure::transient("no-workspace", format!("could not make a working folder: {error}"))
}
