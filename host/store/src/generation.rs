//! Numbers that grow with every change, so that hosts follow by asking for one number.

use crate::{
    StoreError,
    sql::{Db, Tx, args},
};

/// What is followed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Of {
    Functions,
    Models,
    Tokens,
    Secrets,
}

impl Of {
    fn name(self) -> &'static str {
        match self {
            Self::Functions => "functions",
            Self::Models => "models",
            Self::Tokens => "tokens",
            Self::Secrets => "secrets",
        }
    }
}

/// Notes a change. It also holds everyone else who changes the same back until this transaction ends, so call it first.
pub(crate) async fn grow(tx: &mut Tx, of: Of) -> Result<(), StoreError> {
    tx.execute("UPDATE generation SET value = value + 1 WHERE name = $1", args![of.name()]).await.map(drop)
}

/// Where it stands.
pub(crate) async fn now(db: &Db, of: Of) -> Result<u64, StoreError> {
    let row = db.row("SELECT value FROM generation WHERE name = $1", args![of.name()]).await?;
    row.map_or(Ok(0), |row| row.get("value"))
}
