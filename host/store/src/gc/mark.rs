//! What is needed: every digest that something kept names.

use std::collections::HashSet;

use host_core::{Digest, RevisionId, RunId, run::Pins};
use serde::Deserialize;

use crate::{
    Store, StoreError,
    sql::{Row, args},
    text,
};

/// How many rows are read at once.
const PAGE: u32 = 1_000;

/// What something kept needs.
#[derive(Debug, Clone, Default)]
pub(super) struct Needed {
    pub(super) digests: HashSet<Digest>,
    /// Of functions, whatever becomes of newer revisions.
    pub(super) revisions: HashSet<RevisionId>,
}

/// The part of a run that pins revisions.
#[derive(Deserialize)]
struct Pinned {
    pins: Pins,
}

impl Needed {
    /// Every digest in a text, whatever stands around it.
    fn read(&mut self, text: &str) {
        self.digests.extend(digests_in(text));
    }
}

/// Every digest in a text.
pub(super) fn digests_in(text: &str) -> impl Iterator<Item = Digest> + '_ {
    const PREFIX: &str = "sha256:";
    text.match_indices(PREFIX).filter_map(|(at, _)| text.get(at..at + PREFIX.len() + 64)?.parse().ok())
}

/// What all runs but `doomed` need: what they were submitted with, went in and came out.
pub(super) async fn runs(store: &Store, needed: &mut Needed, doomed: &HashSet<RunId>) -> Result<(), StoreError> {
    let mut last = String::new();
    loop {
        let page = "SELECT id, spec FROM run WHERE id > $1 ORDER BY id LIMIT $2";
        let rows = store.db().rows(page, args![last.as_str(), PAGE]).await?;
        for row in &rows {
            if !doomed.contains(&row.get("id")?) {
                run(needed, row)?;
            }
        }
        match rows.last() {
            Some(row) => last = row.get("id")?,
            None => break,
        }
    }
    urls(store, needed, doomed).await?;
    steps(store, needed, doomed).await
}

/// What URLs stood for when runs first asked for them.
async fn urls(store: &Store, needed: &mut Needed, doomed: &HashSet<RunId>) -> Result<(), StoreError> {
    let mut last = (String::new(), String::new());
    loop {
        let page = "SELECT run, url_digest, bytes FROM pinned_url WHERE (run, url_digest) > ($1, $2) \
                    ORDER BY run, url_digest LIMIT $3";
        let rows = store.db().rows(page, args![last.0.as_str(), last.1.as_str(), PAGE]).await?;
        for row in &rows {
            if !doomed.contains(&row.get("run")?) {
                needed.digests.insert(row.get("bytes")?);
            }
        }
        match rows.last() {
            Some(row) => last = (row.get("run")?, row.get("url_digest")?),
            None => return Ok(()),
        }
    }
}

fn run(needed: &mut Needed, row: &Row) -> Result<(), StoreError> {
    let spec: String = row.get("spec")?;
    needed.read(&spec);
    let pinned: Pinned = text::from_json(&spec, "spec")?;
    needed.revisions.extend(pinned.pins.functions.values().map(|it| it.revision));
    Ok(())
}

async fn steps(store: &Store, needed: &mut Needed, doomed: &HashSet<RunId>) -> Result<(), StoreError> {
    let mut last = (String::new(), String::new(), 0_i64);
    loop {
        let page = "SELECT run, step, trial, params, inputs, outputs, function, models FROM step \
                    WHERE (run, step, trial) > ($1, $2, $3) ORDER BY run, step, trial LIMIT $4";
        let rows = store.db().rows(page, args![last.0.as_str(), last.1.as_str(), last.2, PAGE]).await?;
        for row in &rows {
            if !doomed.contains(&row.get("run")?) {
                step(needed, row)?;
            }
        }
        match rows.last() {
            Some(row) => last = (row.get("run")?, row.get("step")?, row.get("trial")?),
            None => return Ok(()),
        }
    }
}

fn step(needed: &mut Needed, row: &Row) -> Result<(), StoreError> {
    for column in ["params", "inputs", "outputs", "models"] {
        needed.read(&row.get::<String>(column)?);
    }
    if let Some(function) = row.json_opt::<host_core::run::PinnedFunction>("function")? {
        needed.revisions.insert(function.revision);
        needed.digests.insert(function.component);
    }
    Ok(())
}

/// What some runs need that were to go and stayed.
pub(super) async fn survivors(store: &Store, needed: &mut Needed, runs: &HashSet<RunId>) -> Result<(), StoreError> {
    for id in runs {
        if let Some(row) = store.db().row("SELECT id, spec FROM run WHERE id = $1", args![id]).await? {
            run(needed, &row)?;
        }
        let of_run = "SELECT params, inputs, outputs, function, models FROM step WHERE run = $1";
        for row in store.db().rows(of_run, args![id]).await? {
            step(needed, &row)?;
        }
        let named =
            "SELECT digest FROM artifact WHERE run = $1 UNION SELECT bytes AS digest FROM pinned_url WHERE run = $1";
        for row in store.db().rows(named, args![id]).await? {
            needed.digests.insert(row.get("digest")?);
        }
    }
    Ok(())
}

/// The versions of models that are in service, and what pipelines name that are kept.
pub(super) async fn models(store: &Store, needed: &mut Needed) -> Result<(), StoreError> {
    for row in store.db().rows("SELECT yaml FROM standing_pipeline WHERE is_in_force = 1", vec![]).await? {
        needed.read(&row.get::<String>("yaml")?);
    }
    let rows = store.db().rows("SELECT DISTINCT digest FROM model_version WHERE retired_at IS NULL", vec![]).await?;
    for row in &rows {
        needed.digests.insert(row.get("digest")?);
    }
    Ok(())
}

/// What repositories of the registry hold.
pub(super) async fn packages(store: &Store, needed: &mut Needed) -> Result<(), StoreError> {
    for start in [
        "SELECT DISTINCT digest FROM registry_blob WHERE digest > $1 ORDER BY digest LIMIT $2",
        "SELECT DISTINCT digest FROM registry_manifest WHERE digest > $1 ORDER BY digest LIMIT $2",
    ] {
        let mut last = String::new();
        loop {
            let rows = store.db().rows(start, args![last.as_str(), PAGE]).await?;
            for row in &rows {
                needed.digests.insert(row.get("digest")?);
            }
            match rows.last() {
                Some(row) => last = row.get("digest")?,
                None => break,
            }
        }
    }
    Ok(())
}

/// What is listed as an artifact: made by a run, or uploaded.
pub(super) struct Listing {
    pub(super) id: String,
    pub(super) digest: Digest,
    pub(super) run: Option<RunId>,
    pub(super) name: String,
    pub(super) project: String,
    pub(super) created_at: jiff::Timestamp,
}

/// Every line of the list of artifacts.
pub(super) async fn artifacts(store: &Store, mut each: impl FnMut(Listing)) -> Result<(), StoreError> {
    let mut last = String::new();
    loop {
        let page = "SELECT id, digest, run, name, project, created_at FROM artifact WHERE id > $1 ORDER BY id LIMIT $2";
        let rows = store.db().rows(page, args![last.as_str(), PAGE]).await?;
        for row in &rows {
            each(Listing {
                id: row.get("id")?,
                digest: row.get("digest")?,
                run: row.get("run")?,
                name: row.get("name")?,
                project: row.get("project")?,
                created_at: row.get("created_at")?,
            });
        }
        match rows.last() {
            Some(row) => last = row.get("id")?,
            None => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_found_whatever_stands_around_them() {
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        let text = format!("{{\"x\":\"{a}\",\"y\":[\"sha256:short\",\"\\u0000{b}0\"]}} sha256:");
        assert_eq!(digests_in(&text).collect::<Vec<_>>(), [a, b]);
        assert_eq!(
            digests_in("naïve sha256:ïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïïï").count(),
            0
        );
    }
}
