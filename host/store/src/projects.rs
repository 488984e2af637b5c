//! Projects: they exist from their first function, run or model on.

use host_core::Name;
use jiff::Timestamp;

use crate::{
    Store, StoreError,
    sql::{Tx, args},
};

/// Makes the project unless it exists.
pub(crate) async fn ensure(tx: &mut Tx, project: &Name, now: Timestamp) -> Result<(), StoreError> {
    let insert = "INSERT INTO project (name, created_at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    tx.execute(insert, args![project, now]).await.map(drop)
}

impl Store {
    /// Every project, in order of name; `default` is always there.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn projects(&self) -> Result<Vec<Name>, StoreError> {
        let rows = self.db().rows("SELECT name FROM project ORDER BY name", vec![]).await?;
        let mut names: Vec<Name> = rows.iter().map(|row| row.get("name")).collect::<Result<_, _>>()?;
        if let Err(at) = names.binary_search(&Name::default_project()) {
            names.insert(at, Name::default_project());
        }
        Ok(names)
    }
}
