//! The ports: what rooms ask of one another, as traits. A room implements a port; only the cli joins the two.

mod artifacts;
mod deployments;
mod dispatch;
mod fetch;
mod idempotency;
mod invoke;
mod journal;
mod later;
mod models;
mod recorder;
mod score;
mod secrets;
mod tokens;
mod track;

pub use artifacts::{ArtifactError, ArtifactStream, Artifacts, HeldFile};
pub use deployments::{DeployError, Deployments, Directory, Functions, NewRevision};
pub use dispatch::Dispatch;
pub use fetch::{Fetch, FetchError, shown_url};
pub use idempotency::{Begun, Idempotency, KeptResponse, KeyError, KeyScope, Turn};
pub use invoke::{Inspection, Invoke, PrepareError, check_grants};
pub use journal::{Claim, Journal, JournalError, RunFilter, Settled, Settling, Tracked};
pub use later::{Answer, Answered, Later, LaterError, LaterRequest, NoAnswer, NoNotify, Notify, NotifyError};
pub use models::{Endpoint, ModelError, Models, NewVersion};
pub use recorder::{NoRecorder, Recorder};
pub use score::Score;
pub use secrets::{LONGEST, NewSecret, NoSecrets, SHORTEST, Secret, SecretError, SecretValue, Secrets};
pub use tokens::{TokenRefusal, Tokens};
pub use track::{NoTrack, Track};
