//! Extracts the answer of a query from Postgres, as CSV or Parquet with its schema.

mod connect;
mod kind;
mod login;
mod output;
mod query;
mod values;
mod wire;

use std::fs;

use serde::Deserialize;
use serde_json::{Value, json};
use weft::{Failure, Run};

use crate::{
    kind::Decimals,
    login::Login,
    output::{Format, Output},
    query::{Bounds, Session},
    wire::Wire,
};

/// What to ask, and whom.
#[derive(Deserialize)]
struct Params {
    /// Where Postgres is.
    host: String,
    /// Its port.
    #[serde(default = "port")]
    port: u16,
    /// The database.
    database: String,
    /// Who asks.
    user: String,
    /// The name of the secret with the password.
    #[serde(default = "secret")]
    secret: String,
    /// What is asked; `$1`, `$2`, … stand for values.
    query: String,
    /// The values, which are never part of the query's text.
    #[serde(default)]
    values: Vec<Value>,
    /// What is written.
    #[serde(default)]
    format: Format,
    /// What decimals become in Parquet.
    #[serde(default)]
    decimals: Decimals,
    /// The most rows.
    #[serde(default = "most_rows")]
    most_rows: u64,
    /// The most bytes of rows.
    #[serde(default = "most_bytes")]
    most_bytes: u64,
    /// How long the server may work on the query.
    #[serde(default = "timeout_s")]
    timeout_s: u64,
}

fn port() -> u16 {
    5432
}

fn secret() -> String {
    "postgres-password".to_owned()
}

fn most_rows() -> u64 {
    1_000_000
}

fn most_bytes() -> u64 {
    1 << 30
}

fn timeout_s() -> u64 {
    600
}

#[weft::job]
fn sql_extract(params: Params, run: &Run) -> Result<(), Failure> {
    let stream = connect::to(&params.host, params.port)?;
    let mut wire = Wire::over(stream, params.most_bytes);
    let login = Login { user: &params.user, database: &params.database, secret: &params.secret };
    login.enter(&mut wire)?;
    let mut session = Session::open(wire, params.timeout_s)?;
    let statement = session.prepare(&params.query)?;
    let values = values::texts(&params.values, &statement.wanted)?;
    let bounds = Bounds { rows: params.most_rows, bytes: params.most_bytes };
    let file = fs::File::create(run.output("data"))?;
    let mut output = Output::new(params.format, &statement.columns, params.decimals, file)?;
    let bytes = session.rows(&values, bounds, |row| output.push(row))?;
    session.close()?;
    let schema = output.finish()?;
    record(run, &params, &schema, bytes)
}

fn record(run: &Run, params: &Params, schema: &output::Schema, bytes: u64) -> Result<(), Failure> {
    let format = params.format.as_str();
    let told = json!({ "format": format, "rows": schema.rows, "columns": schema.columns });
    fs::write(run.output("schema"), serde_json::to_vec_pretty(&told)?)?;
    run.describe("data", "dataset", &told)?;
    run.describe("schema", "table", &json!({ "columns": schema.columns.len() }))?;
    run.metric("rows", schema.rows as f64);
    run.metric("columns", schema.columns.len() as f64);
    run.metric("bytes", bytes as f64);
    weft::info!({ rows = schema.rows, bytes = bytes }, "extracted from {}:{}/{}", params.host, params.port, params.database);
    Ok(())
}
