//! One query, in a transaction that reads one state of the database and changes nothing.

use std::io::{Read, Write};

use bytes::BytesMut;
use fallible_iterator::FallibleIterator as _;
use postgres_protocol::{
    IsNull, Oid,
    message::{
        backend::{DataRowBody, Message},
        frontend,
    },
};
use weft::{Failure, OrFail as _};

use crate::{
    kind::Kind,
    wire::{Wire, unexpected},
};

/// How many rows are asked for at once.
const BATCH: i32 = 5000;

/// The name of the one portal.
const PORTAL: &str = "rows";

/// How values are written, whatever the server's own taste; and once more that nothing is changed.
const SETTINGS: &str = "SET datestyle = 'ISO'; SET intervalstyle = 'iso_8601'; SET timezone = 'UTC'; \
                        SET bytea_output = 'hex'; SET default_transaction_read_only = on";

/// A transaction under way.
pub(crate) struct Session<S> {
    wire: Wire<S>,
}

/// What the server made of a query.
pub(crate) struct Statement {
    /// The types of its values, as the server sees them.
    pub(crate) wanted: Vec<Oid>,
    pub(crate) columns: Vec<Column>,
}

/// A column of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) oid: Oid,
}

/// How much may come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

impl<S: Read + Write> Session<S> {
    /// Begins, once the server is ready.
    pub(crate) fn open(wire: Wire<S>, timeout_s: u64) -> Result<Self, Failure> {
        let mut session = Self { wire };
        session.simple(SETTINGS)?;
        // The server counts milliseconds in 31 bits.
        let milliseconds = timeout_s.saturating_mul(1000).min(i32::MAX as u64);
        session.simple(&format!("SET statement_timeout = {milliseconds}"))?;
        session.simple("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")?;
        Ok(session)
    }

    fn simple(&mut self, query: &str) -> Result<(), Failure> {
        frontend::query(query, &mut self.wire.outgoing).or_invalid("bad-query")?;
        self.wire.send()?;
        self.wire.settle()
    }

    /// Has the server read the query, without running it: there is one, and it answers rows.
    pub(crate) fn prepare(&mut self, query: &str) -> Result<Statement, Failure> {
        let outgoing = &mut self.wire.outgoing;
        frontend::parse("", query, [], outgoing).or_invalid("bad-query")?;
        frontend::describe(b'S', "", outgoing).or_invalid("bad-query")?;
        frontend::sync(outgoing);
        self.wire.send()?;
        let (mut wanted, mut columns) = (Vec::new(), None);
        loop {
            match self.wire.next()? {
                Message::ParseComplete | Message::NoData => {}
                Message::ParameterDescription(body) => {
                    wanted = body.parameters().collect().or_invalid("no-postgres")?
                }
                Message::RowDescription(body) => {
                    let column = |field: postgres_protocol::message::backend::Field<'_>| {
                        let (name, oid) = (field.name().to_owned(), field.type_oid());
                        Ok(Column { name, kind: Kind::of(oid), oid })
                    };
                    columns = Some(body.fields().map(column).collect().or_invalid("no-postgres")?);
                }
                Message::ReadyForQuery(_) => break,
                _ => return Err(unexpected()),
            }
        }
        let columns: Vec<Column> = columns.filter(|it: &Vec<Column>| !it.is_empty()).ok_or_else(|| {
            Failure::invalid("no-rows", "the query answers no rows: it has to be a SELECT or its like")
        })?;
        no_name_twice(&columns)?;
        Ok(Statement { wanted, columns })
    }

    /// Runs what was prepared, and hands on each row; how many bytes there were.
    pub(crate) fn rows(
        &mut self,
        values: &[Option<String>],
        bounds: Bounds,
        mut each: impl FnMut(&[Option<&[u8]>]) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        self.bind(values)?;
        let (mut rows, mut bytes) = (0_u64, 0_u64);
        loop {
            frontend::execute(PORTAL, BATCH, &mut self.wire.outgoing).or_invalid("bad-query")?;
            frontend::sync(&mut self.wire.outgoing);
            self.wire.send()?;
            let mut is_done = false;
            loop {
                match self.wire.next()? {
                    Message::BindComplete | Message::PortalSuspended => {}
                    Message::CommandComplete(_) | Message::EmptyQueryResponse => is_done = true,
                    Message::ReadyForQuery(_) => break,
                    Message::DataRow(row) => {
                        (rows, bytes) = (rows + 1, bytes + row.buffer().len() as u64);
                        bounds.check(rows, bytes)?;
                        each(&cells(&row)?)?;
                    }
                    _ => return Err(unexpected()),
                }
            }
            if is_done {
                return Ok(bytes);
            }
        }
    }

    /// Gives the query its values, as text: what they are is for the server to read, and none becomes part of the query.
    fn bind(&mut self, values: &[Option<String>]) -> Result<(), Failure> {
        let write = |value: &Option<String>, buffer: &mut BytesMut| {
            Ok(match value {
                Some(text) => {
                    buffer.extend_from_slice(text.as_bytes());
                    IsNull::No
                }
                None => IsNull::Yes,
            })
        };
        let bound = frontend::bind(PORTAL, "", [], values, write, [], &mut self.wire.outgoing);
        bound.map_err(|_| Failure::invalid("bad-values", "there are more values, or longer ones, than Postgres takes"))
    }

    /// Ends the transaction and says goodbye.
    pub(crate) fn close(mut self) -> Result<(), Failure> {
        self.simple("COMMIT")?;
        frontend::terminate(&mut self.wire.outgoing);
        self.wire.send()
    }
}

impl Bounds {
    fn check(self, rows: u64, bytes: u64) -> Result<(), Failure> {
        if rows > self.rows {
            return Err(Failure::invalid(
                "too-many-rows",
                format!("there are more rows than `most_rows`, {}", self.rows),
            ));
        }
        if bytes > self.bytes {
            return Err(Failure::invalid(
                "too-large",
                format!("the rows have more bytes than `most_bytes`, {}", self.bytes),
            ));
        }
        Ok(())
    }
}

fn no_name_twice(columns: &[Column]) -> Result<(), Failure> {
    let mut seen = std::collections::HashSet::new();
    match columns.iter().find(|it| !seen.insert(&it.name)) {
        Some(twice) => {
            let message = format!("two columns are called `{}`: name one with AS", twice.name);
            Err(Failure::invalid("bad-query", message))
        }
        None => Ok(()),
    }
}

fn cells(row: &DataRowBody) -> Result<Vec<Option<&[u8]>>, Failure> {
    let ranges: Vec<_> = row.ranges().collect().or_invalid("no-postgres")?;
    let cell = |range: Option<std::ops::Range<usize>>| match range {
        None => Ok(None),
        Some(range) => row.buffer().get(range).map(Some).ok_or_else(unexpected),
    };
    ranges.into_iter().map(cell).collect()
}
