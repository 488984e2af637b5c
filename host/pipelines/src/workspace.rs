//! The folder of one attempt: copies of its inputs, and what it leaves behind.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use host_core::{
    artifact::Kind,
    call::JobInput,
    event::{Failure, code},
    manifest::Manifest,
    ports::{Artifacts, HeldFile},
    run::{StepInput, StepOutput},
};

use crate::{failure::of_artifact, tracker::Tracker};

/// A folder that is gone when the attempt is over. It is made by the first output, for many a step has none.
#[derive(Debug)]
pub(crate) struct Workspace {
    out: PathBuf,
    /// The inputs, which stay where they are until then.
    held: Vec<HeldFile>,
}

impl Drop for Workspace {
    fn drop(&mut self) {
        match std::fs::remove_dir_all(&self.out) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(folder = %self.out.display(), %error, "could not remove what a step left behind");
            }
            _ => {}
        }
    }
}

impl Workspace {
    /// The one at this path, where nothing is.
    pub(crate) fn at(out: PathBuf) -> Self {
        Self { out, held: Vec::new() }
    }

    /// What becomes `/out`.
    pub(crate) fn out(&self) -> PathBuf {
        self.out.clone()
    }

    /// Makes sure that the bytes of every input are there and whole.
    pub(crate) async fn inputs(
        &mut self,
        artifacts: &dyn Artifacts,
        inputs: &[StepInput],
    ) -> Result<Vec<JobInput>, Failure> {
        let mut files = Vec::with_capacity(inputs.len());
        for input in inputs {
            let held = artifacts.hold(&input.digest).await.map_err(|error| of_artifact(&input.name, &error))?;
            let path = held.to_path_buf();
            self.held.push(held);
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
            let file = self.out.join(name);
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
