//! The ports: what rooms ask of one another, as traits. A room implements a port; only the cli joins the two.

mod artifacts;
mod clockwork;
mod deployments;
mod dispatch;
mod fetch;
mod idempotency;
mod invoke;
mod journal;
pub mod keyvalue;
mod later;
mod models;
mod packages;
mod publish;
mod recorder;
mod repositories;
mod score;
mod secrets;
mod sources;
mod standing;
mod streams;
mod tokens;
mod track;
mod wake;

pub use artifacts::{ArtifactError, ArtifactStream, Artifacts, HeldFile};
pub use clockwork::{
    Clockwork, Fired, Firing, NoClockwork, OccasionError, Occasions, StandingTriggers, Start, Started, Told,
};
pub use deployments::{DeployError, Deployments, Directory, Functions, NewRevision};
pub use dispatch::Dispatch;
pub use fetch::{Fetch, FetchError, shown_url};
pub use idempotency::{Begun, Idempotency, KeptResponse, KeyError, KeyScope, Turn};
pub use invoke::{Inspection, Invoke, PrepareError, check_grants};
pub use journal::{Claim, Journal, JournalError, RunFilter, Settled, Settling, Tracked};
pub use keyvalue::{Bucket, KeyValue, KeyValueError, Keys, LARGEST_VALUE, LONGEST_KEY, NoKeyValue};
pub use later::{Answer, Answered, Later, LaterError, LaterRequest, NoAnswer, NoNotify, Notify, NotifyError};
pub use models::{Endpoint, ModelError, Models, NewVersion};
pub use packages::{Category, PackageError, Packages, Pulls, Search, Verdict};
pub use publish::{NoPublish, Publish, PublishError, Sender};
pub use recorder::{NoRecorder, Recorder};
pub use repositories::{KeptManifest, NewManifest, NewPackage, Reference, Repositories};
pub use score::Score;
pub use secrets::{LONGEST, NewSecret, NoSecrets, SHORTEST, Secret, SecretError, SecretValue, Secrets};
pub use sources::{
    DeadLetter, DeadLetters, NoSources, NoTriggerCheck, Seek, SourceError, Sources, TriggerCheck, TriggerId,
    TriggerMemory, TriggerState, TriggerStatus,
};
pub use standing::{NewStanding, StandingError, StandingPipeline, StandingPipelines};
pub use streams::{MODELS, ModelStream, ModelStreams, StreamError, models};
pub use tokens::{TokenRefusal, Tokens};
pub use track::{NoTrack, Track};
pub use wake::{MOST_DEPTH, Wake, WakeError, Wakening};
