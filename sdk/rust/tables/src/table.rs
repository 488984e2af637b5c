//! A table: columns of equal length, from CSV and back.

use std::{collections::BTreeSet, io::Write};

use crate::{
    Error,
    column::{Column, Guess},
};

/// Columns of equal length, each with a name of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    columns: Vec<Column>,
}

impl Table {
    /// A table of these columns.
    ///
    /// # Errors
    /// When there are none, two share a name, or they differ in length.
    pub fn new(columns: Vec<Column>) -> Result<Self, Error> {
        let expected = columns.first().ok_or(Error::NoHeader)?.len();
        let mut names = BTreeSet::new();
        for column in &columns {
            if column.len() != expected {
                return Err(Error::Ragged { column: column.name.clone(), expected, found: column.len() });
            }
            if !names.insert(&column.name) {
                return Err(Error::Duplicate(column.name.clone()));
            }
        }
        Ok(Self { columns })
    }

    /// Reads CSV with a header. The type of a column is what all its cells are.
    ///
    /// # Errors
    /// When it is not CSV, has no header, or two columns share a name.
    pub fn from_csv(bytes: &[u8]) -> Result<Self, Error> {
        Self::from_delimited(bytes, b',')
    }

    /// Reads CSV whose cells are parted by `delimiter`.
    ///
    /// # Errors
    /// As [`Table::from_csv`].
    pub fn from_delimited(bytes: &[u8], delimiter: u8) -> Result<Self, Error> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let reader = || csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(bytes);
        let mut first = reader();
        let names: Vec<String> = first.headers()?.iter().map(str::to_owned).collect();
        if names.iter().all(String::is_empty) {
            return Err(Error::NoHeader);
        }
        let mut guesses = vec![Guess::NONE; names.len()];
        let mut record = csv::StringRecord::new();
        while first.read_record(&mut record)? {
            guesses.iter_mut().zip(&record).for_each(|(guess, cell)| guess.see(cell));
        }
        // A second pass rather than cells kept as text, which would take many times the memory of the numbers.
        let mut values: Vec<_> = guesses.into_iter().map(Guess::values).collect();
        let mut second = reader();
        while second.read_record(&mut record)? {
            values.iter_mut().zip(&record).for_each(|(values, cell)| values.push(cell));
        }
        Self::new(names.into_iter().zip(values).map(|(name, values)| Column { name, values }).collect())
    }

    /// Writes CSV with a header; what is missing is empty.
    ///
    /// # Errors
    /// When `out` does.
    pub fn to_csv(&self, out: impl Write) -> Result<(), Error> {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(self.columns.iter().map(|it| &it.name))?;
        for row in 0..self.rows() {
            writer.write_record(self.columns.iter().map(|it| it.cell(row).unwrap_or_default().into_owned()))?;
        }
        writer.flush().map_err(csv::Error::from)?;
        Ok(())
    }

    /// How many rows it has.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, Column::len)
    }

    /// The columns, in order.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column called `name`.
    ///
    /// # Errors
    /// When there is none; the error names the columns there are.
    pub fn column(&self, name: &str) -> Result<&Column, Error> {
        self.columns.iter().find(|it| it.name == name).ok_or_else(|| self.no_column(name))
    }

    /// The column to predict: the one asked for, or the last where `asked` is empty.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn label(&self, asked: &str) -> Result<&Column, Error> {
        let last = self.columns.last().map(|it| it.name.as_str()).unwrap_or_default();
        self.column(if asked.is_empty() { last } else { asked })
    }

    /// The rows `rows`, in that order.
    #[must_use]
    pub fn pick(&self, rows: &[usize]) -> Self {
        Self { columns: self.columns.iter().map(|it| it.pick(rows)).collect() }
    }

    fn no_column(&self, wanted: &str) -> Error {
        let near = |column: &&Column| strsim::damerau_levenshtein(&column.name, wanted) <= 1 + wanted.len() / 4;
        Error::NoColumn {
            wanted: wanted.to_owned(),
            like: self.columns.iter().find(near).map(|it| it.name.clone()),
            there: self.columns.iter().map(|it| format!("`{}`", it.name)).collect::<Vec<_>>().join(", "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::{Type, Values};

    fn csv(text: &str) -> Table {
        Table::from_csv(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_column_is_what_all_its_cells_are() {
        let table = csv("a,b,c,d,e\n1,1.5,true,x,\n,2,False,3,\n");
        let kinds: Vec<_> = table.columns().iter().map(Column::kind).collect();
        assert_eq!(kinds, [Type::Integer, Type::Number, Type::Boolean, Type::Text, Type::Number]);
        let missing: Vec<_> = table.columns().iter().map(Column::missing).collect();
        assert_eq!(missing, [1, 0, 0, 0, 2]);
    }

    #[test]
    fn identifiers_stay_as_they_are() {
        let table = csv("zip,account,x\n007,9007199254740993,inf\n12,1,1\n");
        assert!(table.columns().iter().all(|it| it.kind() == Type::Text));
        assert_eq!(table.columns()[0].cell(0).unwrap(), "007");
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        let table = csv("x,name\n0.1,\"a, \"\"b\"\"\"\n1e-7,NA\n-12.25,c\n0.30000000000000004,?\n");
        let mut out = Vec::new();
        table.to_csv(&mut out).unwrap();
        let again = Table::from_csv(&out).unwrap();
        assert_eq!(again.columns()[1], table.columns()[1]);
        assert_eq!(
            again.columns()[0].as_numbers(),
            Some([0.1, 1e-7, -12.25, 0.300_000_000_000_000_04].as_slice().into())
        );
    }

    #[test]
    fn other_delimiters_and_a_byte_order_mark_are_read() {
        let table = Table::from_delimited(b"\xef\xbb\xbfa;b\n1;2\n", b';').unwrap();
        assert_eq!(table.columns()[0], Column { name: "a".into(), values: Values::Number(vec![1.0]) });
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |text: &str| Table::from_csv(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(error(""), "the table has no header");
        assert_eq!(error("a,a\n1,2\n"), "two columns are called `a`");
        assert!(error("a,b\n1,2\n3\n").contains("line: 3"), "{}", error("a,b\n1,2\n3\n"));
        let missing = csv("quality,alcohol\n5,9\n").column("qualty").unwrap_err().to_string();
        assert_eq!(missing, "there is no column `qualty` (is it `quality`?); the columns are `quality`, `alcohol`");
    }
}
