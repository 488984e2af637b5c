//! Taking away what nobody needs any more.

use host_core::size::Millis;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What to keep; the host's configuration holds for what is not said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Gc {
    /// Whether to take it away; otherwise it is only told what would go.
    pub apply: bool,
    /// Runs that ended within this time are kept, such as `90d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub keep_runs: Option<Millis>,
    /// So many of the newest runs of each pipeline are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_last: Option<u32>,
    /// Uploads of this time are kept, and those that something kept was made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub keep_uploads: Option<Millis>,
    /// So many of the newest revisions of each function are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_revisions: Option<u32>,
    /// Bytes stay for this long after they were last written or wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub grace: Option<Millis>,
}

/// What went, or would go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GcReport {
    /// Whether it went; otherwise it only would.
    pub applied: bool,
    /// Runs, with all that is on record of them.
    pub runs: GcGroup,
    /// Revisions of functions.
    pub revisions: GcGroup,
    /// Uploaded artifacts, as they are listed.
    pub uploads: GcGroup,
    /// Bytes.
    pub artifacts: GcGroup,
    /// Bytes that something kept needs.
    pub kept: GcTally,
    /// Bytes that nothing is known to need, and that are too young to go.
    pub young: GcTally,
}

/// Things of one kind that go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GcGroup {
    /// How many.
    pub count: u64,
    /// How many bytes they free by themselves.
    pub bytes: u64,
    /// The first of them.
    pub first: Vec<GcItem>,
}

/// Something that goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GcItem {
    /// Which.
    pub id: String,
    /// What it is.
    pub what: String,
    /// Why it goes.
    pub why: String,
    /// How many bytes it frees by itself.
    pub bytes: u64,
}

/// How many, and how many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GcTally {
    /// How many.
    pub count: u64,
    /// How many bytes.
    pub bytes: u64,
}
