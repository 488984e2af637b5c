//! One GET, as often as it takes: what is worth another attempt, how long to wait, and where redirects lead.

use std::time::Duration;

use url::Url;
use weft::{
    Failure,
    http::{FetchError, Fetched},
};

/// Header fields that are meant for one server and no other.
const PERSONAL: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// What the place of a secret looks like.
const PLACEHOLDER: &str = "{{weft-secret:";

/// How to fetch.
#[derive(Debug)]
pub(crate) struct Fetch {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) attempts: u32,
    pub(crate) backoff: Duration,
    pub(crate) longest_wait: Duration,
    pub(crate) redirects: u32,
}

/// What came in the end.
#[derive(Debug)]
pub(crate) struct Got {
    /// With status 2xx, or 304 where that was asked for.
    pub(crate) answer: Fetched,
    /// What answered.
    pub(crate) url: Url,
    pub(crate) attempts: u32,
    pub(crate) redirects: u32,
}

/// Why one attempt brought nothing, and how long the server wants to be left alone.
struct Missed {
    failure: Failure,
    again: bool,
    after: Option<Duration>,
}

impl Fetch {
    /// Fetches `url` by `send`, waiting by `sleep`.
    pub(crate) fn get(
        &self,
        url: &Url,
        mut send: impl FnMut(&Url, &[(String, String)]) -> Result<Fetched, FetchError>,
        mut sleep: impl FnMut(Duration),
    ) -> Result<Got, Failure> {
        let mut attempt = 1;
        loop {
            let missed = match self.follow(url, attempt, &mut send) {
                Ok(got) => return Ok(got),
                Err(missed) => missed,
            };
            if !missed.again || attempt >= self.attempts {
                let Missed { failure, after, .. } = missed;
                return Err(match after {
                    Some(after) => failure.retry_after(after),
                    None => failure,
                });
            }
            let wait = self.wait(attempt, missed.after);
            weft::info!({ attempt = attempt, wait_ms = wait.as_millis() as u64 }, "trying again: {}", missed.failure);
            sleep(wait);
            attempt += 1;
        }
    }

    fn wait(&self, attempt: u32, asked: Option<Duration>) -> Duration {
        let doubled = self.backoff.saturating_mul(1_u32.checked_shl(attempt - 1).unwrap_or(u32::MAX));
        doubled.max(asked.unwrap_or_default()).min(self.longest_wait)
    }

    /// One attempt, along its redirects.
    fn follow(
        &self,
        from: &Url,
        attempts: u32,
        send: &mut impl FnMut(&Url, &[(String, String)]) -> Result<Fetched, FetchError>,
    ) -> Result<Got, Missed> {
        let (mut url, mut headers, mut redirects) = (from.clone(), self.headers.clone(), 0);
        loop {
            let answer = send(&url, &headers).map_err(|error| unanswered(&error))?;
            if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
                return match judge(&answer) {
                    None => Ok(Got { answer, url, attempts, redirects }),
                    Some(missed) => Err(missed),
                };
            }
            if redirects >= self.redirects {
                let most = self.redirects;
                return Err(for_good("too-many-redirects", format!("more than {most} redirects, the last at {url}")));
            }
            let next = next(&url, &answer)?;
            if next.origin() != url.origin() {
                headers.retain(|(name, value)| {
                    !PERSONAL.contains(&name.to_ascii_lowercase().as_str()) && !value.contains(PLACEHOLDER)
                });
            }
            (url, redirects) = (next, redirects + 1);
        }
    }
}

/// Where an answer redirects to.
fn next(url: &Url, answer: &Fetched) -> Result<Url, Missed> {
    let status = answer.status;
    let to = answer.header("location");
    let to = to.ok_or_else(|| for_good("bad-redirect", format!("{url} answered {status} without a location")))?;
    let next = url.join(to).map_err(|error| for_good("bad-redirect", format!("{url} redirects to no URL: {error}")))?;
    if url.scheme() == "https" && next.scheme() != "https" {
        return Err(for_good("bad-redirect", format!("{url} redirects from https to {}", next.scheme())));
    }
    Ok(next)
}

/// What is wrong with an answer, if anything is.
fn judge(answer: &Fetched) -> Option<Missed> {
    let status = answer.status;
    let message = format!("it answered {status}");
    match status {
        200..=299 | 304 => None,
        408 | 425 | 429 | 500 | 502..=504 => {
            let after = answer.header("retry-after").and_then(|it| it.trim().parse().ok()).map(Duration::from_secs);
            Some(Missed { failure: Failure::transient("http-status", message), again: true, after })
        }
        _ => Some(for_good("http-status", message)),
    }
}

fn unanswered(error: &FetchError) -> Missed {
    match error {
        FetchError::Failed(_) => Missed { failure: Failure::transient("unreachable", error), again: true, after: None },
        FetchError::Denied(_) => for_good("not-granted", error),
        FetchError::TooLarge(_) => for_good("too-large", error),
        FetchError::Invalid(_) => for_good("bad-url", error),
    }
}

fn for_good(code: &str, why: impl std::fmt::Display) -> Missed {
    Missed { failure: Failure::invalid(code, why), again: false, after: None }
}
