//! What goes into a step: every source resolved to bytes by their digest.

use host_core::{
    artifact::Kind,
    event::Failure,
    manifest::{InputSpec, Manifest},
    pipeline::InputSource,
    run::StepInput,
};

use indexmap::IndexMap;

use crate::{
    config::Config,
    failure::{of_artifact, of_fetch, of_model},
    services::Services,
    view::View,
};

/// Turns the sources of a step's inputs into bytes, fetching and pinning what is named by URL. What is resolved before
/// one fails is kept in `inputs`, so that another attempt finds it pinned.
pub(crate) async fn resolve(
    view: &View<'_>,
    services: &Services,
    config: &Config,
    manifest: &Manifest,
    sources: IndexMap<String, InputSource>,
    inputs: &mut Vec<StepInput>,
) -> Result<(), Failure> {
    for (name, source) in sources {
        let declared = manifest.inputs.get(&name);
        inputs.push(one(view, services, config, &name, source, declared).await?);
    }
    Ok(())
}

async fn one(
    view: &View<'_>,
    services: &Services,
    config: &Config,
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
            None => Ok(input(fetch(services, config, name, &url).await?, kind, None, url)),
        },
        InputSource::Model(reference) => {
            if let Some(pinned) = view.pinned_input(name) {
                return Ok(pinned.clone());
            }
            let pinned = match view.pinned_model(&reference) {
                Some(version) => version.clone(),
                None => {
                    services
                        .models
                        .resolve(&view.claim.run.spec.project, &reference)
                        .await
                        .map_err(|error| of_model(&error))?
                        .id
                }
            };
            Ok(input(pinned.digest, Kind::Model, None, format!("{}@{}", pinned.model, pinned.number)))
        }
    }
}

async fn fetch(services: &Services, config: &Config, name: &str, url: &str) -> Result<host_core::Digest, Failure> {
    let stream = services.fetch.fetch(url).await.map_err(|error| of_fetch(name, &error))?;
    let blob = services
        .artifacts
        .put_stream(stream, config.fetch_bytes, None)
        .await
        .map_err(|error| of_artifact(name, &error))?;
    tracing::info!(url, digest = %blob.digest, bytes = blob.size, "fetched an input and pinned it");
    Ok(blob.digest)
}
