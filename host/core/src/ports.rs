//! The ports: what rooms ask of one another, as traits. A room implements a port; only the cli joins the two.

mod artifacts;
mod deployments;
mod dispatch;
mod fetch;
mod idempotency;
mod invoke;
mod journal;
mod keyvalue;
mod later;
mod models;
mod publish;
mod recorder;
mod score;
mod secrets;
mod sources;
mod tokens;
mod track;
mod wake;

pub use artifacts::{ArtifactError, ArtifactStream, Artifacts, HeldFile};
pub use deployments::{DeployError, Deployments, Directory, Functions, NewRevision};
pub use dispatch::Dispatch;
pub use fetch::{Fetch, FetchError, shown_url};
pub use idempotency::{Begun, Idempotency, KeptResponse, KeyError, KeyScope, Turn};
pub use invoke::{Inspection, Invoke, PrepareError, check_grants};
pub use journal::{Claim, Journal, JournalError, RunFilter, Settled, Settling, Tracked};
pub use keyvalue::{Bucket, KeyValue, KeyValueError, Keys, LARGEST_VALUE, LONGEST_KEY};
pub use later::{Answer, Answered, Later, LaterError, LaterRequest, NoAnswer, NoNotify, Notify, NotifyError};
pub use models::{Endpoint, ModelError, Models, NewVersion};
pub use publish::{NoPublish, Publish, PublishError, Sender};
pub use recorder::{NoRecorder, Recorder};
pub use score::Score;
pub use secrets::{LONGEST, NewSecret, NoSecrets, SHORTEST, Secret, SecretError, SecretValue, Secrets};
pub use sources::{
    DeadLetter, DeadLetters, Seek, SourceError, Sources, TriggerId, TriggerMemory, TriggerState, TriggerStatus,
};
pub use tokens::{TokenRefusal, Tokens};
pub use track::{NoTrack, Track};
pub use wake::{MOST_DEPTH, Wake, WakeError, Wakening};
