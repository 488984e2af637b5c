//! Conditions: `evaluate.accuracy >= 0.6 and params.fast == false`.

use std::{cmp::Ordering, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::template::Unresolved;

/// Comparisons that must all hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Condition {
    /// The comparisons, at least one.
    pub clauses: Vec<Clause>,
}

/// One comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Clause {
    /// What is compared.
    pub left: String,
    /// How.
    pub op: Op,
    /// With what.
    pub right: Operand,
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `<`
    Less,
}

/// The right side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// A number, a quoted text, `true`, `false` or `null`.
    Literal(Value),
    /// Something with a value, such as `params.threshold`.
    Path(String),
}

/// Two characters before one: `>=` is not `>`.
const OPS: [(&str, Op); 6] = [
    ("==", Op::Equal),
    ("!=", Op::NotEqual),
    (">=", Op::AtLeast),
    ("<=", Op::AtMost),
    (">", Op::More),
    ("<", Op::Less),
];

/// Why a text is not a condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a condition: {reason}; write VALUE OP VALUE, joined by `and`, such as accuracy >= 0.9")]
pub struct InvalidCondition {
    text: String,
    reason: String,
}

impl Condition {
    /// Whether every comparison holds; `value` looks a path up.
    ///
    /// # Errors
    /// When a path has no value, or two values cannot be compared.
    pub fn holds<'v>(&self, value: impl Fn(&str) -> Result<&'v Value, Unresolved>) -> Result<bool, Unresolved> {
        for clause in &self.clauses {
            let left = value(&clause.left)?;
            let holds = match &clause.right {
                Operand::Literal(right) => clause.op.holds(left, right),
                Operand::Path(path) => clause.op.holds(left, value(path)?),
            };
            match holds {
                Some(true) => {}
                Some(false) => return Ok(false),
                None => return Err(Unresolved(format!("`{clause}` cannot be decided: {} is {left}", clause.left))),
            }
        }
        Ok(true)
    }

    /// Everything in it that has to be looked up.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.clauses.iter().flat_map(|clause| {
            let right = if let Operand::Path(path) = &clause.right { Some(path.as_str()) } else { None };
            std::iter::once(clause.left.as_str()).chain(right)
        })
    }
}

impl Op {
    /// None when values of these types cannot be compared so. NaN and null are not in any order.
    fn holds(self, left: &Value, right: &Value) -> Option<bool> {
        let order = match (number(left), number(right)) {
            (Some(left), Some(right)) => return Some(self.fits(left.partial_cmp(&right))),
            _ if left.is_null() || right.is_null() => (left == right).then_some(Ordering::Equal),
            _ => match (left, right) {
                (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
                (Value::Bool(_), Value::Bool(_)) if self.is_equality() => (left == right).then_some(Ordering::Equal),
                _ => return None,
            },
        };
        Some(self.fits(order))
    }

    fn is_equality(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual)
    }

    fn fits(self, order: Option<Ordering>) -> bool {
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::NotEqual => order != Some(Ordering::Equal),
            Self::AtLeast => order.is_some_and(Ordering::is_ge),
            Self::AtMost => order.is_some_and(Ordering::is_le),
            Self::More => order == Some(Ordering::Greater),
            Self::Less => order == Some(Ordering::Less),
        }
    }
}

/// A number, also one that JSON can only hold as text.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

impl FromStr for Condition {
    type Err = InvalidCondition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |reason: String| InvalidCondition { text: text.to_owned(), reason };
        let mut clauses = Vec::new();
        let mut rest = text.trim();
        loop {
            let (clause, after) = clause(rest).map_err(wrong)?;
            clauses.push(clause);
            let Some(after) = after.strip_prefix("and").filter(|it| it.starts_with(char::is_whitespace)) else {
                if after.is_empty() {
                    return Ok(Self { clauses });
                }
                return Err(wrong(format!("`{after}` does not belong")));
            };
            rest = after.trim_start();
        }
    }
}

/// Reads a comparison and returns what follows it.
fn clause(text: &str) -> Result<(Clause, &str), String> {
    let (left, rest) = operand(text)?;
    let Operand::Path(left) = left else {
        return Err("the left side must be something that has a value".to_owned());
    };
    let found = OPS.iter().find_map(|(sign, op)| Some((*op, rest.strip_prefix(sign)?)));
    let (op, rest) = found.ok_or_else(|| format!("expected ==, !=, >=, <=, > or < after `{left}`"))?;
    let (right, rest) = operand(rest.trim_start())?;
    Ok((Clause { left, op, right }, rest))
}

/// Reads a path or a literal and returns what follows it.
fn operand(text: &str) -> Result<(Operand, &str), String> {
    if let Some(quote) = text.chars().next().filter(|first| matches!(first, '"' | '\'')) {
        let inside = text.get(1..).unwrap_or_default();
        let (literal, rest) = inside.split_once(quote).ok_or_else(|| "a quote is not closed".to_owned())?;
        return Ok((Operand::Literal(Value::from(literal)), rest.trim_start()));
    }
    let end = text.find(|c: char| c.is_whitespace() || "<>=!'\"".contains(c)).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let word = word.strip_prefix("${").and_then(|word| word.strip_suffix('}')).unwrap_or(word);
    if word.is_empty() {
        return Err("a value is missing".to_owned());
    }
    let literal = serde_json::from_str::<Value>(word).ok().filter(|value| !value.is_array() && !value.is_object());
    let operand = literal.map_or_else(|| Operand::Path(word.to_owned()), Operand::Literal);
    Ok((operand, rest.trim_start()))
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clauses: Vec<_> = self.clauses.iter().map(ToString::to_string).collect();
        f.write_str(&clauses.join(" and "))
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = OPS.iter().find(|(_, op)| *op == self.op).map_or("", |(sign, _)| sign);
        write!(f, "{} {sign} {}", self.left, self.right)
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.write_str(path),
            Self::Literal(Value::String(text)) if text.contains('\'') => write!(f, "\"{text}\""),
            Self::Literal(Value::String(text)) => write!(f, "'{text}'"),
            Self::Literal(value) => value.fmt(f),
        }
    }
}

impl TryFrom<String> for Condition {
    type Error = InvalidCondition;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Condition> for String {
    fn from(condition: Condition) -> Self {
        condition.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn holds(text: &str) -> Result<bool, String> {
        let values =
            json!({"e.accuracy": 0.7, "params.min": 0.6, "name": "wine", "fast": true, "nan": "NaN", "none": null});
        let condition: Condition = text.parse().map_err(|error: InvalidCondition| error.reason)?;
        let value = |path: &str| values.get(path).ok_or_else(|| Unresolved(format!("no {path}")));
        condition.holds(value).map_err(|error| error.to_string())
    }

    #[test]
    fn numbers_texts_and_truths_are_compared() {
        for text in [
            "e.accuracy >= 0.6",
            "e.accuracy>=0.7",
            "e.accuracy > -1e3 and e.accuracy < 1",
            "e.accuracy >= params.min",
            "e.accuracy >= ${params.min}",
            "name == 'wine' and fast == true",
            "name != \"beer\"",
            "none == null",
            "name < 'x and y'",
        ] {
            assert_eq!(holds(text), Ok(true), "{text}");
        }
        assert_eq!(holds("e.accuracy >= 0.6 and fast == false"), Ok(false));
    }

    #[test]
    fn nan_and_null_are_neither_more_nor_less() {
        for text in ["nan >= 0", "nan < 0", "nan == 0", "none >= 0", "none < 0", "none == 0"] {
            assert_eq!(holds(text), Ok(false), "{text}");
        }
        assert_eq!(holds("none != 0"), Ok(true));
    }

    #[test]
    fn what_cannot_be_decided_is_an_error_and_not_a_no() {
        assert_eq!(holds("e.f1 >= 0.6").unwrap_err(), "no e.f1");
        assert!(holds("name >= 0.6").unwrap_err().contains("cannot be decided: name is \"wine\""));
        assert!(holds("fast > true").is_err());
    }

    #[test]
    fn a_condition_survives_being_written() {
        for text in ["a.b >= 0.6 and c == 'x y' and d != null", "a == \"it's\"", "a < b.c"] {
            assert_eq!(text.parse::<Condition>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_not_a_condition_says_why() {
        for (text, reason) in [
            ("", "a value is missing"),
            ("accuracy", "expected =="),
            ("accuracy = 1", "expected =="),
            ("accuracy >=", "a value is missing"),
            ("1 >= accuracy", "left side"),
            ("a >= 1 or b >= 1", "`or b >= 1` does not belong"),
            ("a >= 1 and", "does not belong"),
            ("a == 'x", "not closed"),
        ] {
            let error = text.parse::<Condition>().unwrap_err();
            assert!(error.reason.contains(reason), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            if let Ok(condition) = text.parse::<Condition>() {
                prop_assert_eq!(condition.to_string().parse::<Condition>().unwrap(), condition);
            }
        }
    }
}
