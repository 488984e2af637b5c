//! The options of `fn gc`.

use clap::Args as ClapArgs;

#[derive(Debug, ClapArgs)]
pub(crate) struct GcArgs {
    /// Take it away; without this it is only told what would go.
    #[arg(long)]
    pub(crate) apply: bool,
    /// Keep runs that ended within this time, such as 90d.
    #[arg(long, value_name = "TIME")]
    pub(crate) keep_runs: Option<String>,
    /// Keep so many of the newest runs of each pipeline.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) keep_last: Option<u32>,
    /// Keep uploads of this time, such as 30d.
    #[arg(long, value_name = "TIME")]
    pub(crate) keep_uploads: Option<String>,
    /// Keep so many of the newest revisions of each function.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) keep_revisions: Option<u32>,
    /// Leave bytes alone for this long after they were last written or wanted.
    #[arg(long, value_name = "TIME")]
    pub(crate) grace: Option<String>,
}
