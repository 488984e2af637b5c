//! The options of `fn triggers` and `fn dead-letters`.

use clap::{Args as ClapArgs, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum TriggersCommand {
    /// List triggers: what they read, how they are doing, how far behind they are.
    List,
    /// Show how a trigger is doing.
    Show(TriggerArgs),
    /// Have a trigger rest, on every host, until it is resumed. What is in flight is settled first.
    Pause(TriggerArgs),
    /// Let a paused trigger go on.
    Resume(TriggerArgs),
    /// Move a paused trigger to another place of its stream.
    Seek(TriggersSeekArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TriggerArgs {
    /// The trigger: its function's name, and where that has several, FUNCTION/TRIGGER.
    #[arg(value_name = "FUNCTION[/TRIGGER]")]
    pub(crate) trigger: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TriggersSeekArgs {
    #[command(flatten)]
    pub(crate) trigger: TriggerArgs,
    /// Where it goes on: earliest, latest, a moment such as 2026-01-31T08:00:00Z, or TOPIC/PARTITION/OFFSET.
    #[arg(long, value_name = "PLACE")]
    pub(crate) to: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadLettersCommand {
    /// List events that were given up, newest first.
    List(DeadLettersListArgs),
    /// Show an event that was given up, as it came.
    Show(DeadLetterArgs),
    /// Hand an event that was given up to its function once more; the outputs go where the trigger sends them.
    Replay(DeadLettersReplayArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DeadLettersListArgs {
    /// Only those of this function, or of this trigger of it.
    #[arg(value_name = "FUNCTION[/TRIGGER]")]
    pub(crate) of: Option<String>,
    /// How many.
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: u32,
    /// Begin after this one, the `next` of the page before.
    #[arg(long)]
    pub(crate) after: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DeadLetterArgs {
    /// The letter's id, as the list shows it.
    pub(crate) id: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DeadLettersReplayArgs {
    /// The letters' ids, as the list shows them.
    #[arg(required = true)]
    pub(crate) ids: Vec<String>,
}
