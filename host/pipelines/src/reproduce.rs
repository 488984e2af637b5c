//! Does a run again from its record, and says artifact by artifact whether the bytes are the same.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt;
use host_core::{
    Digest, RunId,
    grant::{Right, SecretGrant},
    manifest::Time,
    pipeline::{Action, StepState},
    ports::{ArtifactError, ArtifactStream, Artifacts, SecretError},
    run::{NewRun, Platform, Run, RunKind, RunState, StepKey, StepOutput, StepRecord},
};
use serde::Serialize;

use crate::submit::{Runs, SubmitError};

/// What a reproduction shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every artifact has the same bytes.
    Identical,
    /// At least one artifact differs.
    Different,
    /// Something that decides the bytes is not the same, so a difference means nothing.
    NotComparable,
    /// The reproduction has not ended well, so there is nothing to compare yet.
    Unfinished,
}

/// One output of the original beside that of its reproduction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// The step, `name` or `name#trial`.
    pub step: String,
    /// The output.
    pub output: String,
    /// The original's bytes.
    pub before: Option<Digest>,
    /// The reproduction's bytes.
    pub after: Option<Digest>,
    /// The first byte that differs, where both could be read.
    pub first_difference: Option<u64>,
}

impl Compared {
    /// Whether both have the same bytes.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.before.is_some() && self.before == self.after
    }
}

/// A reproduction beside its original.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The original.
    pub original: RunId,
    /// The reproduction.
    pub reproduction: RunId,
    /// What it shows.
    pub verdict: Verdict,
    /// Why a difference would mean nothing: `host release 0.1.0 then, 0.2.0 now`, `step load sees the real time`.
    pub obstacles: Vec<String>,
    /// Every output of either.
    pub outputs: Vec<Compared>,
}

impl Runs {
    /// Submits a run that does `original` again: same code by digest, same params, inputs and seeds. Only jobs are
    /// executed; what registers, promotes, deploys or calls is taken from the record, so that nothing moves twice.
    ///
    /// # Errors
    /// When there is no such run, it is not over, or the new one cannot be written.
    pub async fn reproduce(&self, original: RunId, who: &str) -> Result<Run, SubmitError> {
        let before = self.journal().run(original).await?;
        if before.spec.kind == RunKind::Tracked {
            return Err(SubmitError::Outside { run: original, so: "is not reproducible" });
        }
        if before.state != RunState::Done {
            let (run, state) = (original, before.state.as_str());
            return Err(host_core::ports::JournalError::State { run, state, wanted: "reproduced" }.into());
        }
        let again = NewRun {
            id: RunId::next(),
            owner: who.to_owned(),
            platform: self.services().platform.clone(),
            reproduces: Some(original),
            ..before.spec
        };
        let run = self.journal().submit(again).await?;
        self.look();
        Ok(run)
    }

    /// Compares a reproduction with its original.
    ///
    /// # Errors
    /// When either cannot be read, or the run is no reproduction.
    pub async fn compare(&self, reproduction: RunId) -> Result<Comparison, SubmitError> {
        let after = self.journal().run(reproduction).await?;
        let original = after.spec.reproduces.ok_or(SubmitError::NoReproduction(reproduction))?;
        let before = self.journal().run(original).await?;
        let (old, new) = (self.journal().steps(original).await?, self.journal().steps(reproduction).await?);
        let mut outputs = pairs(&old, &new);
        for compared in outputs.iter_mut().filter(|it| !it.is_same()) {
            if let (Some(a), Some(b)) = (compared.before, compared.after) {
                compared.first_difference =
                    first_difference(self.services().artifacts.as_ref(), &a, &b).await.ok().flatten();
            }
        }
        let mut obstacles = differences(&before.spec.platform, &after.spec.platform);
        obstacles.extend(self.unrepeatable(&before).await);
        let verdict = verdict(after.state, &obstacles, &outputs);
        Ok(Comparison { original, reproduction, verdict, obstacles, outputs })
    }

    /// Steps whose function sees the real time or the network, or a secret that is not what it was.
    async fn unrepeatable(&self, run: &Run) -> Vec<String> {
        let mut obstacles = Vec::new();
        for (name, step) in &run.spec.pipeline.steps {
            let Action::Function(action) = &step.action else { continue };
            let Some(pinned) = run.spec.pins.functions.get(&action.function.to_string()) else { continue };
            match self.services().deployments.revision_by_id(pinned.revision).await {
                Ok(revision) if revision.manifest.time == Time::Real => {
                    obstacles.push(format!("step `{name}` sees the real time"));
                }
                Ok(revision) if revision.manifest.grants.reaches_outside() => {
                    let rights: Vec<_> = revision.manifest.grants.outside().map(Right::as_str).collect();
                    obstacles.push(format!("step `{name}` is not reproducible: granted {}", rights.join(", ")));
                }
                Ok(revision) => obstacles.extend(self.rotated(run, name, &revision.manifest.grants.secret).await),
                Err(error) => obstacles.push(format!("step `{name}`: {error}")),
            }
        }
        obstacles
    }
}

impl Runs {
    /// Secrets of a step that were given another value since the run began: the one it saw is gone.
    async fn rotated(&self, run: &Run, step: &str, grants: &[SecretGrant]) -> Vec<String> {
        let mut obstacles = Vec::new();
        for SecretGrant { name, .. } in grants {
            match self.services().secrets.describe(&run.spec.project, name).await {
                Ok(now) if now.updated_at > run.created_at => {
                    let version = now.version;
                    obstacles.push(format!(
                        "step `{step}`: secret `{name}` was given another value since (version {version} now)"
                    ));
                }
                Ok(_) => {}
                Err(SecretError::NotSet(_)) => obstacles.push(format!("step `{step}`: secret `{name}` is gone")),
                Err(error) => obstacles.push(format!("step `{step}`: {error}")),
            }
        }
        obstacles
    }
}

fn verdict(state: RunState, obstacles: &[String], outputs: &[Compared]) -> Verdict {
    match state {
        RunState::Done if outputs.iter().all(Compared::is_same) => Verdict::Identical,
        RunState::Done if obstacles.is_empty() => Verdict::Different,
        RunState::Done => Verdict::NotComparable,
        _ => Verdict::Unfinished,
    }
}

/// What of the platform is not as it was.
fn differences(before: &Platform, after: &Platform) -> Vec<String> {
    let facts = [
        ("host release", &before.release, &after.release),
        ("engine", &before.engine, &after.engine),
        ("inference", &before.inference, &after.inference),
        ("architecture", &before.arch, &after.arch),
        ("CPU features", &before.cpu_features, &after.cpu_features),
    ];
    let differ = facts.into_iter().filter(|(_, before, after)| before != after);
    differ.map(|(fact, before, after)| format!("{fact} {before} then, {after} now")).collect()
}

/// The outputs of either run, side by side.
fn pairs(old: &[StepRecord], new: &[StepRecord]) -> Vec<Compared> {
    let (before, after) = (outputs(old), outputs(new));
    let all: BTreeSet<&(String, String)> = before.keys().chain(after.keys()).collect();
    let compared = all.into_iter().map(|place| {
        let (step, output) = place.clone();
        Compared {
            step,
            output,
            before: before.get(place).copied(),
            after: after.get(place).copied(),
            first_difference: None,
        }
    });
    compared.collect()
}

fn outputs(steps: &[StepRecord]) -> BTreeMap<(String, String), Digest> {
    let done = steps.iter().filter(|it| it.state == StepState::Done);
    let named = |key: &StepKey, output: &StepOutput| ((key.label(), output.name.clone()), output.digest);
    done.flat_map(|step| step.outputs.iter().map(|output| named(&step.key, output))).collect()
}

/// The offset of the first byte that differs, which is where the shorter ends when it is the beginning of the longer.
async fn first_difference(artifacts: &dyn Artifacts, a: &Digest, b: &Digest) -> Result<Option<u64>, ArtifactError> {
    let ((_, mut a), (_, mut b)) = (artifacts.stream(a).await?, artifacts.stream(b).await?);
    let (mut left, mut right) = (bytes::Bytes::new(), bytes::Bytes::new());
    let mut offset = 0;
    loop {
        fill(&mut left, &mut a).await?;
        fill(&mut right, &mut b).await?;
        let common = left.len().min(right.len());
        if common == 0 {
            return Ok((left.len() != right.len()).then_some(offset));
        }
        if let Some(at) = left.iter().zip(&right).position(|(a, b)| a != b) {
            return Ok(Some(offset + at as u64));
        }
        offset += common as u64;
        left = left.slice(common..);
        right = right.slice(common..);
    }
}

/// The next bytes, unless there are some left; none only at the end.
async fn fill(piece: &mut bytes::Bytes, stream: &mut ArtifactStream) -> Result<(), ArtifactError> {
    while piece.is_empty() {
        let Some(next) = stream.next().await.transpose()? else { break };
        *piece = next;
    }
    Ok(())
}
