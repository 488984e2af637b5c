//! What goes into a step: every source resolved to bytes by their digest.

use host_core::{
    Digest,
    artifact::Kind,
    event::Failure,
    manifest::{InputSpec, Manifest},
    pipeline::InputSource,
    run::StepInput,
};

use indexmap::IndexMap;

use crate::{
    executor::With,
    failure::{of_artifact, of_fetch, of_journal, of_model},
    view::View,
};

/// Turns the sources of a step's inputs into bytes, fetching and pinning what is named by URL. What is resolved before
/// one fails is kept in `inputs`, so that another attempt finds it pinned.
pub(crate) async fn resolve(
    view: &View<'_>,
    with: With<'_>,
    manifest: &Manifest,
    sources: IndexMap<String, InputSource>,
    inputs: &mut Vec<StepInput>,
) -> Result<(), Failure> {
    for (name, source) in sources {
        let declared = manifest.inputs.get(&name);
        inputs.push(one(view, with, &name, source, declared).await?);
    }
    Ok(())
}

async fn one(
    view: &View<'_>,
    with: With<'_>,
    name: &str,
    source: InputSource,
    declared: Option<&InputSpec>,
) -> Result<StepInput, Failure> {
    let kind = declared.map_or(Kind::File, |it| it.kind);
    let input = |digest, kind, media_type, from| StepInput { name: name.to_owned(), digest, kind, media_type, from };
    match source {
        InputSource::Output(reference, digest) => {
            let output = view.output(&reference);
            let (kind, media_type) = output.map_or((kind, None), |it| (it.kind, it.media_type.clone()));
            Ok(input(digest, kind, media_type, reference.to_string()))
        }
        InputSource::Artifact(digest) => Ok(input(digest, kind, None, digest.to_string())),
        InputSource::Url(url) => match view.pinned_input(name) {
            Some(pinned) => Ok(pinned.clone()),
            None => Ok(input(pinned(view, with, name, &url).await?, kind, None, url)),
        },
        InputSource::Model(reference) => {
            if let Some(pinned) = view.pinned_input(name) {
                return Ok(pinned.clone());
            }
            let pinned = match view.pinned_model(&reference) {
                Some(version) => version.clone(),
                None => {
                    with.services
                        .models
                        .resolve(&view.claim.run.project, &reference)
                        .await
                        .map_err(|error| of_model(&error))?
                        .id
                }
            };
            Ok(input(pinned.digest, Kind::Model, None, format!("{}@{}", pinned.model, pinned.number)))
        }
    }
}

/// What a URL stands for in this run. The first step that asks fetches it; all others, the trials of a sweep and later
/// attempts among them, are given the same.
async fn pinned(view: &View<'_>, with: With<'_>, name: &str, url: &str) -> Result<Digest, Failure> {
    let (run, journal) = (view.claim.key.run, &with.services.journal);
    let _turn = with.bench.turn_to_fetch(run, url).await;
    if let Some(digest) = journal.pinned(run, url).await.map_err(|error| of_journal(name, &error))? {
        return Ok(digest);
    }
    let digest = fetch(with, name, url).await?;
    journal.pin(run, url, digest).await.map_err(|error| of_journal(name, &error))
}

async fn fetch(with: With<'_>, name: &str, url: &str) -> Result<Digest, Failure> {
    let stream = with.services.fetch.fetch(url).await.map_err(|error| of_fetch(name, &error))?;
    let kept = with.services.artifacts.put_stream(stream, with.config.fetch_bytes, None).await;
    let blob = kept.map_err(|error| of_artifact(name, &error))?;
    tracing::info!(url, digest = %blob.digest, bytes = blob.size, "fetched an input and pinned it");
    Ok(blob.digest)
}
