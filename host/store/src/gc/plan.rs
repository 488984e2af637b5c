//! What a policy lets go, and what must stay all the same.

use std::collections::HashSet;

use host_core::{Digest, RevisionId, RunId};
use jiff::Timestamp;

use super::{
    Moments, Policy, Report,
    mark::{self, Listing, Needed},
    policy::span,
    report::Item,
};
use crate::{
    Store, StoreError,
    sql::{Select, args},
};

/// How many rows are read at once.
const PAGE: u32 = 1_000;
/// Runs with this label stay.
const KEEP: &str = "keep";

/// What goes, and what is needed by the rest.
pub(super) struct Plan {
    pub(super) runs: Vec<DoomedRun>,
    pub(super) revisions: Vec<DoomedRevision>,
    pub(super) uploads: Vec<DoomedUpload>,
    /// What something kept names.
    pub(super) needed: HashSet<Digest>,
    /// What something that goes names.
    pub(super) doomed: HashSet<Digest>,
}

pub(super) struct DoomedRun {
    pub(super) id: RunId,
    pub(super) item: Item,
}

pub(super) struct DoomedRevision {
    pub(super) id: RevisionId,
    pub(super) component: Digest,
    pub(super) project: String,
    pub(super) function: String,
    pub(super) item: Item,
}

pub(super) struct DoomedUpload {
    pub(super) id: String,
    pub(super) digest: Digest,
    pub(super) item: Item,
}

impl Plan {
    /// What goes by it, as far as rows are concerned.
    pub(super) fn report(&self, apply: bool) -> Report {
        let mut report = Report { applied: apply, ..Report::default() };
        // Where it is applied, what really went is added as it goes.
        if !apply {
            self.runs.iter().for_each(|it| report.runs.add(it.item.clone()));
            self.revisions.iter().for_each(|it| report.revisions.add(it.item.clone()));
            self.uploads.iter().for_each(|it| report.uploads.add(it.item.clone()));
        }
        report
    }
}

pub(super) async fn make(store: &Store, policy: &Policy, moments: Moments) -> Result<Plan, StoreError> {
    let runs = if policy.lets_runs_go() { Box::pin(runs(store, policy, moments.now)).await? } else { Vec::new() };
    let gone: HashSet<RunId> = runs.iter().map(|it| it.id).collect();
    let mut needed = Needed::default();
    let mut doomed = HashSet::new();
    Box::pin(mark::runs(store, &mut needed, &gone)).await?;
    mark::models(store, &mut needed).await?;
    Box::pin(mark::packages(store, &mut needed)).await?;
    let revisions = revisions(store, policy, moments, &mut needed, &mut doomed).await?;
    let mut uploaded = Vec::new();
    mark::artifacts(store, |it| match it.run {
        Some(run) if gone.contains(&run) => drop(doomed.insert(it.digest)),
        Some(_) => drop(needed.digests.insert(it.digest)),
        None => uploaded.push(it),
    })
    .await?;
    let uploads = uploads(policy, moments.now, uploaded, &mut needed);
    doomed.extend(uploads.iter().map(|it| it.digest));
    Ok(Plan { runs, revisions, uploads, needed: needed.digests, doomed })
}

/// Uploads that are old and that nothing else needs; two of the same bytes do not keep each other.
fn uploads(policy: &Policy, now: Timestamp, uploaded: Vec<Listing>, needed: &mut Needed) -> Vec<DoomedUpload> {
    let oldest = policy.keep_uploads.map(|age| now.checked_sub(span(age)).unwrap_or(Timestamp::MIN));
    let is_old = |it: &Listing| oldest.is_some_and(|oldest| it.created_at < oldest);
    let (old, kept): (Vec<_>, Vec<_>) =
        uploaded.into_iter().partition(|it| is_old(it) && !needed.digests.contains(&it.digest));
    needed.digests.extend(kept.into_iter().map(|it| it.digest));
    let doomed = |it: Listing| {
        let what = format!("upload `{}` in {}", it.name, it.project);
        let why = "older than `keep_uploads`, and nothing kept was made from it";
        let item = Item { id: it.digest.to_string(), what, why, bytes: 0 };
        DoomedUpload { id: it.id, digest: it.digest, item }
    };
    old.into_iter().map(doomed).collect()
}

/// Runs that neither their age nor their place keeps.
async fn runs(store: &Store, policy: &Policy, now: Timestamp) -> Result<Vec<DoomedRun>, StoreError> {
    let mut doomed = Vec::new();
    for row in store.db().rows("SELECT DISTINCT project, name FROM run ORDER BY project, name", vec![]).await? {
        let (project, name): (String, String) = (row.get("project")?, row.get("name")?);
        Box::pin(of_name(store, policy, now, &project, &name, &mut doomed)).await?;
    }
    Ok(doomed)
}

async fn of_name(
    store: &Store,
    policy: &Policy,
    now: Timestamp,
    project: &str,
    name: &str,
    doomed: &mut Vec<DoomedRun>,
) -> Result<(), StoreError> {
    let (created_at, id) = match policy.keep_last.filter(|it| *it > 0) {
        None => (Timestamp::MAX, String::new()),
        Some(last) => {
            let edge = "SELECT created_at, id FROM run WHERE project = $1 AND name = $2 \
                        ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET $3";
            match store.db().row(edge, args![project, name, last - 1]).await? {
                Some(row) => (row.get("created_at")?, row.get("id")?),
                None => return Ok(()),
            }
        }
    };
    let ended = policy.keep_runs.map_or(Timestamp::MAX, |age| now.checked_sub(span(age)).unwrap_or(Timestamp::MIN));
    let mut after = (created_at, id);
    loop {
        let start = "SELECT r.id, r.created_at FROM run r WHERE r.project = ? AND r.name = ? AND (r.created_at, r.id) < (?, ?) \
                     AND r.state <> 'running' AND r.finished_at < ? \
                     AND NOT EXISTS (SELECT 1 FROM model_version v WHERE v.run = r.id AND v.retired_at IS NULL) \
                     AND NOT EXISTS (SELECT 1 FROM run_label l WHERE l.run = r.id AND l.label = ?)";
        let select = Select::new(start, args![project, name, after.0, after.1.as_str(), ended, KEEP]);
        let (sql, args) = select.end("ORDER BY r.created_at DESC, r.id DESC LIMIT ?", args![PAGE]);
        let rows = store.db().rows(sql, args).await?;
        for row in &rows {
            let id: RunId = row.get("id")?;
            let what = format!("run of `{name}` in {project}");
            doomed.push(DoomedRun { id, item: Item { id: id.to_string(), what, why: why(policy), bytes: 0 } });
        }
        match rows.last() {
            Some(row) => after = (row.get("created_at")?, row.get("id")?),
            None => return Ok(()),
        }
    }
}

fn why(policy: &Policy) -> &'static str {
    match (policy.keep_runs, policy.keep_last) {
        (Some(_), Some(_)) => "older than `keep_runs`, and not among the last `keep_last`",
        (Some(_), None) => "older than `keep_runs`",
        _ => "not among the last `keep_last`",
    }
}

/// Revisions that neither their place nor their use keeps. The components of the others are needed.
async fn revisions(
    store: &Store,
    policy: &Policy,
    moments: Moments,
    needed: &mut Needed,
    doomed: &mut HashSet<Digest>,
) -> Result<Vec<DoomedRevision>, StoreError> {
    let all = "SELECT r.id, r.project, r.function, r.number, r.component, r.created_at, f.active FROM revision r \
               JOIN function f ON f.project = r.project AND f.name = r.function ORDER BY r.project, r.function, r.number DESC";
    let mut going = Vec::new();
    let mut place = (String::new(), String::new(), 0_u32);
    for row in store.db().rows(all, vec![]).await? {
        let (project, function): (String, String) = (row.get("project")?, row.get("function")?);
        let (id, component): (RevisionId, Digest) = (row.get("id")?, row.get("component")?);
        if (&place.0, &place.1) != (&project, &function) {
            place = (project.clone(), function.clone(), 0);
        }
        place.2 += 1;
        let is_old = row.get::<Timestamp>("created_at")? < moments.cutoff;
        let is_used = row.get::<Option<RevisionId>>("active")? == Some(id) || needed.revisions.contains(&id);
        if !is_old || is_used || policy.keep_revisions.is_none_or(|keep| place.2 <= keep.max(1)) {
            needed.digests.insert(component);
            continue;
        }
        doomed.insert(component);
        let what = format!("revision {} of `{function}` in {project}", row.get::<u64>("number")?);
        let why = "not among the last `keep_revisions`, and no kept run ran it";
        going.push(DoomedRevision {
            id,
            component,
            project,
            function,
            item: Item { id: id.to_string(), what, why, bytes: 0 },
        });
    }
    Ok(going)
}
