//! Behind the scenes: versions that wait are looked at one after the other, and pulls are added up.

use std::{sync::Arc, time::Duration};

use host_core::{
    package::{PackageVersion, State},
    ports::{PackageError, Pulls, Verdict},
};
use tokio_util::sync::CancellationToken;

use super::{
    Candidate, Catalogue,
    docs::{Found, Lacking},
    told,
};

/// How often everything that waits is looked at, whether or not there is news.
const ALL: Duration = Duration::from_secs(60);
/// How many findings are kept of one version.
const MOST_FINDINGS: usize = 20;
/// The longest finding that is kept, characters.
const LONGEST_FINDING: usize = 500;

impl Catalogue {
    /// Looks at what waits and adds pulls up, until `stop`.
    pub async fn follow(self: Arc<Self>, stop: CancellationToken) {
        let mut last = tokio::time::Instant::now();
        // Once at the start, for what an earlier process left.
        self.look();
        loop {
            let is_news = tokio::select! {
                () = stop.cancelled() => break,
                () = self.news.notified() => true,
                () = tokio::time::sleep(self.config.every.duration()) => false,
            };
            self.add_up().await;
            if is_news || last.elapsed() >= ALL {
                last = tokio::time::Instant::now();
                // A check that is cut short by the end of the host begins anew with the next.
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = self.look_at_all() => {}
                }
            }
        }
        self.add_up().await;
    }

    async fn add_up(&self) {
        let pulls = std::mem::take(&mut *self.pulls.lock());
        if pulls.is_empty() {
            return;
        }
        let pulls: Vec<Pulls> =
            pulls.into_iter().map(|((repository, component), count)| Pulls { repository, component, count }).collect();
        if let Err(error) = self.packages.count(&pulls).await {
            tracing::warn!(%error, "pulls could not be added up and go uncounted");
        }
    }

    async fn look_at_all(&self) {
        let waiting = match self.packages.pending().await {
            Ok(waiting) => waiting,
            Err(error) => return tracing::warn!(%error, "could not read which versions wait"),
        };
        for version in waiting {
            if let Err(error) = self.look_at(&version).await {
                tracing::warn!(version = %version.id, %error, "could not write down what came of a version");
            }
        }
    }

    async fn look_at(&self, version: &PackageVersion) -> Result<(), PackageError> {
        let verdict = match self.find(version).await {
            Ok(found) => self.judge(&found).await,
            Err(Lacking::Waits(reason)) => pending(reason),
            Err(Lacking::Wrong(reason)) => refused(reason),
            Err(Lacking::Failed(reason)) => pending(format!("it could not be looked at: {reason}")),
        };
        if verdict.state == version.state && verdict.reason == version.reason && verdict.docs == version.docs {
            return Ok(());
        }
        tracing::info!(version = %version.id, state = verdict.state.as_str(), reason = verdict.reason, "a version was looked at");
        self.packages.judge(&version.id, &verdict).await
    }

    async fn judge(&self, found: &Found) -> Verdict {
        let docs = Some(found.digest);
        if found.readme.trim().is_empty() {
            return Verdict { docs, ..refused("its README is empty".into()) };
        }
        let candidate = Candidate {
            manifest: found.manifest.clone(),
            component: found.component,
            cases: found.cases.clone(),
            time: self.config.cases_time.duration(),
        };
        match self.vet.try_cases(&candidate).await {
            Ok(findings) if findings.is_empty() => Verdict { state: State::Listed, reason: None, docs },
            Ok(findings) => Verdict { docs, ..refused(told(&shortened(findings))) },
            Err(reason) => Verdict { docs, ..pending(format!("its cases could not be run: {reason}")) },
        }
    }
}

fn shortened(findings: Vec<String>) -> Vec<String> {
    findings.into_iter().take(MOST_FINDINGS).map(|it| it.chars().take(LONGEST_FINDING).collect()).collect()
}

fn pending(reason: String) -> Verdict {
    Verdict { state: State::Pending, reason: Some(reason), docs: None }
}

fn refused(reason: String) -> Verdict {
    Verdict { state: State::Refused, reason: Some(reason), docs: None }
}
