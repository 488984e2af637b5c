//! `cargo xtask gen`: accepts what the code now says as the new snapshots.

use anyhow::Result;

use crate::{command, guests, talk};

/// Builds the guests the tests load, then runs the tests with every snapshot written anew.
pub(crate) fn run() -> Result<()> {
    guests::build()?;
    command::run(command::cargo(["test", "--workspace", "--quiet"]).env("INSTA_UPDATE", "always"))?;
    talk::say("snapshots are written; look at them with `git diff`");
    Ok(())
}
