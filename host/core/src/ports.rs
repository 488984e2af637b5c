//! The ports: what rooms ask of one another, as traits. A room implements a port; only the cli joins the two.

mod artifacts;
mod deployments;
mod dispatch;
mod fetch;
mod invoke;
mod journal;
mod models;
mod recorder;
mod score;
mod track;

pub use artifacts::{ArtifactError, ArtifactStream, Artifacts};
pub use deployments::{DeployError, Deployments, Directory, Functions, NewRevision};
pub use dispatch::Dispatch;
pub use fetch::{Fetch, FetchError};
pub use invoke::{Inspection, Invoke, PrepareError, check_grants};
pub use journal::{Claim, Journal, JournalError, RunFilter, Settled, Tracked};
pub use models::{Endpoint, ModelError, Models, NewVersion};
pub use recorder::{NoRecorder, Recorder};
pub use score::Score;
pub use track::{NoTrack, Track};
