//! A project's file on its way into an installation: all of it, or nothing.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Read, Write as _},
    path::PathBuf,
};

use host_core::{Digest, Name};
use serde_json::{Map, Value, json};
use sqlx::AssertSqlSafe;
use tokio::runtime::Handle;
use uuid::Uuid;

use super::{
    super::{
        Database, Entry, Kind, Lines as _, Loader, Manifest, Reader, Spool, Summary, Table, Take, TransferError,
        tables_of,
    },
    Belongs, belongs,
    rewrite::Rewrite,
};
use crate::{
    ArtifactStore, Store,
    audit::Deed,
    backup::{Bytesin, each_line},
    generation::{Of, grow},
    projects,
    sql::{Arg, Tx, args},
};

/// Where a project is imported to.
#[derive(Clone)]
pub struct Target {
    /// The database of the host.
    pub store: Store,
    /// Its bytes.
    pub artifacts: ArtifactStore,
    /// The name it gets; its own, when absent.
    pub name: Option<Name>,
    /// Who imports it.
    pub who: String,
}

/// Imports a project from its file. Identities stay, unless something here has them.
///
/// # Errors
/// When the project is there already, a route is taken, or the file is not what it says; nothing is kept then.
pub async fn import_project(archive: PathBuf, target: Target) -> Result<Summary, TransferError> {
    let runtime = Handle::current();
    let importing = tokio::task::spawn_blocking(move || {
        let file = std::fs::File::open(&archive).map_err(|error| TransferError::file(archive.display(), &error))?;
        let bytes = Bytesin { runtime: runtime.clone(), store: target.artifacts.clone() };
        let mut importing = Importing { bytes, spool: Spool::new()?, tables: Vec::new() };
        let manifest = Reader::read(file, Kind::Project, &mut importing)?;
        runtime.block_on(importing.finish(&manifest, &target))
    });
    importing.await.map_err(|error| TransferError::file("the file", &error))?
}

/// Rows wait in files, because identities that are taken have to be known before the first is written.
struct Importing {
    bytes: Bytesin,
    spool: Spool,
    tables: Vec<String>,
}

impl Take for Importing {
    fn manifest(&mut self, manifest: &Manifest) -> Result<(), TransferError> {
        if manifest.project.is_none() {
            return Err(TransferError::archive("it names no project"));
        }
        match manifest.tables.iter().find(|it| belongs(&it.name) == Belongs::Never) {
            Some(it) => Err(TransferError::archive(format!("table `{}` does not belong to a project", it.name))),
            None => Ok(()),
        }
    }

    fn artifact(&mut self, digest: Digest, size: u64, bytes: &mut dyn Read) -> Result<(), TransferError> {
        self.bytes.take(digest, size, bytes)
    }

    fn key(&mut self, _: Vec<u8>) -> Result<(), TransferError> {
        Err(TransferError::archive("a project holds no key"))
    }

    fn table(&mut self, entry: &Entry, lines: &mut dyn Read) -> Result<(), TransferError> {
        // The name is one of our own by now.
        let path = self.spool.path(&entry.name);
        let failed = |error: std::io::Error| TransferError::file(path.display(), &error);
        let mut file = std::io::BufWriter::new(std::fs::File::create(&path).map_err(failed)?);
        each_line(lines, |line| writeln!(file, "{line}").map_err(failed))?;
        file.flush().map_err(failed)?;
        self.tables.push(entry.name.clone());
        Ok(())
    }
}

impl Importing {
    async fn finish(self, manifest: &Manifest, target: &Target) -> Result<Summary, TransferError> {
        let database = Database::of(&target.store);
        let (found, known) = (manifest.schema, database.schema().await?);
        if found > known {
            return Err(TransferError::Newer { found, known });
        }
        let from = manifest.project.clone().unwrap_or_else(Name::default_project);
        let to = target.name.clone().unwrap_or_else(|| from.clone());
        let mut tx = database.db.long().await?;
        // These hold back whoever changes functions or models meanwhile.
        grow(&mut tx, Of::Functions).await?;
        grow(&mut tx, Of::Models).await?;
        let now = tx.now().await?;
        projects::ensure(&mut tx, &to, now).await?;
        let tables: Vec<Table> =
            tables_of(&mut tx).await?.into_iter().filter(|it| self.tables.contains(&it.name)).collect();
        check_free(&mut tx, &to).await?;
        let mut rewrite = Rewrite { project: (from != to).then(|| (from.clone(), to.clone())), ids: HashMap::new() };
        for table in &tables {
            self.find_taken(&mut tx, table, &mut rewrite.ids).await?;
        }
        for table in &tables {
            self.load(&mut tx, table, &rewrite).await?;
        }
        let deed = Deed { who: &target.who, action: "project.imported", project: &to, subject: to.as_str() };
        deed.record(&mut tx, now, json!({ "from": from, "release": manifest.release })).await?;
        tx.commit().await?;
        Ok(Summary { project: Some(to), ..manifest.summary() })
    }

    /// The rows of a table as they waited.
    fn lines(&self, table: &Table) -> Result<impl Iterator<Item = Result<String, TransferError>>, TransferError> {
        let path = self.spool.path(&table.name);
        let failed = move |error: std::io::Error| TransferError::file(path.display(), &error);
        let file = std::fs::File::open(self.spool.path(&table.name)).map_err(&failed)?;
        Ok(BufReader::new(file).lines().map(move |line| line.map_err(&failed)))
    }

    /// Gives new identities to rows whose own are taken.
    async fn find_taken(
        &self,
        tx: &mut Tx,
        table: &Table,
        ids: &mut HashMap<String, String>,
    ) -> Result<(), TransferError> {
        match table.name.as_str() {
            "route" => return self.check_routes(tx, table).await,
            _ if table.key != ["id"] => return Ok(()),
            _ => {}
        }
        let mut ours = self.lines(table)?.filter_map(|line| line.map(|it| column(&it, "id")).transpose());
        loop {
            let some: Vec<String> = ours.by_ref().take(500).collect::<Result<_, _>>()?;
            if some.is_empty() {
                return Ok(());
            }
            let places: Vec<String> = (1..=some.len()).map(|number| format!("${number}")).collect();
            let sql = format!("SELECT id FROM \"{}\" WHERE id IN ({})", table.name, places.join(", "));
            let args = some.iter().map(|id| Arg::from(id.as_str())).collect();
            for row in tx.rows(AssertSqlSafe(sql), args).await? {
                ids.insert(row.get("id")?, Uuid::now_v7().to_string());
            }
        }
    }

    async fn check_routes(&self, tx: &mut Tx, table: &Table) -> Result<(), TransferError> {
        for line in self.lines(table)? {
            let line = line?;
            let part = |name| column(&line, name).unwrap_or_default();
            let (host, shape, method) = (part("host"), part("shape"), part("method"));
            let taken = "SELECT function FROM route WHERE host = $1 AND shape = $2 \
                         AND (method = $3 OR method = '*' OR $3 = '*')";
            let args = args![host.as_str(), shape.as_str(), method.as_str()];
            if tx.row(taken, args).await?.is_some() {
                return Err(TransferError::RouteTaken(format!("{method} {host}{shape}")));
            }
        }
        Ok(())
    }

    async fn load(&self, tx: &mut Tx, table: &Table, rewrite: &Rewrite) -> Result<(), TransferError> {
        let mut loader = Loader::new(tx, table);
        for line in self.lines(table)? {
            loader.line(&rewrite.row(&line?)?).await?;
        }
        loader.finish().await
    }
}

/// A column of a line.
fn column(line: &str, name: &str) -> Option<String> {
    let row: Map<String, Value> = serde_json::from_str(line).ok()?;
    row.get(name)?.as_str().map(str::to_owned)
}

/// Nothing of a project may be there yet, except that it is known, and its secrets.
async fn check_free(tx: &mut Tx, project: &Name) -> Result<(), TransferError> {
    let anything = "SELECT 1 AS one FROM function WHERE project = $1 UNION ALL SELECT 1 FROM run WHERE project = $1 \
                    UNION ALL SELECT 1 FROM model WHERE project = $1 UNION ALL SELECT 1 FROM endpoint WHERE project = $1 \
                    UNION ALL SELECT 1 FROM artifact WHERE project = $1 LIMIT 1";
    match tx.row(anything, args![project]).await? {
        Some(_) => Err(TransferError::Exists(project.clone())),
        None => Ok(()),
    }
}
