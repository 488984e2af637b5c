//! Params from a command line: `--name=value`, read as what the struct asks for.

use std::fmt::Display;

use serde::{
    de::{self, DeserializeOwned, IntoDeserializer, Visitor, value::MapDeserializer},
    forward_to_deserialize_any,
};
use serde_json::Value;

/// Reads params from arguments. A value is JSON where it can be, and text where text is asked for: `--name=7` is the
/// string `7` to a `String` and the number 7 to a number.
pub(crate) fn params<P: DeserializeOwned>(args: impl IntoIterator<Item = String>) -> Result<P, String> {
    let mut pairs = Vec::new();
    for arg in args {
        let pair = arg.strip_prefix("--").and_then(|arg| arg.split_once('='));
        let (name, value) = pair.ok_or_else(|| format!("argument `{arg}` is not of the form --name=value"))?;
        pairs.push((name.to_owned(), Text(value.to_owned())));
    }
    P::deserialize(MapDeserializer::<_, Error>::new(pairs.into_iter())).map_err(|error| error.0)
}

/// What the struct asked for is not what the argument says.
#[derive(Debug)]
struct Error(String);

impl Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// A value as it was typed.
struct Text(String);

impl Text {
    fn json(self) -> Value {
        serde_json::from_str(&self.0).unwrap_or(Value::String(self.0))
    }
}

impl IntoDeserializer<'_, Error> for Text {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> de::Deserializer<'de> for Text {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.json().deserialize_any(visitor).map_err(de::Error::custom)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.0)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0 == "null" { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.json().deserialize_enum(name, variants, visitor).map_err(de::Error::custom)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf
        unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Criterion {
        Gini,
        InformationGain,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Params {
        name: String,
        depth: u32,
        rate: f64,
        #[serde(default)]
        note: Option<String>,
        #[serde(default)]
        columns: Vec<String>,
        criterion: Criterion,
    }

    fn read(args: &[&str]) -> Result<Params, String> {
        params(args.iter().map(|arg| (*arg).to_owned()))
    }

    #[test]
    fn a_value_is_read_as_what_the_struct_asks_for() {
        let all =
            ["--name=7", "--depth=7", "--rate=1", "--note=null ", "--columns=[\"a\"]", "--criterion=information-gain"];
        let wanted = Params {
            name: "7".to_owned(),
            depth: 7,
            rate: 1.0,
            note: Some("null ".to_owned()),
            columns: vec!["a".to_owned()],
            criterion: Criterion::InformationGain,
        };
        assert_eq!(read(&all).unwrap(), wanted);
    }

    #[test]
    fn a_value_may_be_empty_or_hold_the_sign_that_ends_the_name() {
        let params = read(&["--name=", "--depth=1", "--rate=0", "--note=a=b", "--criterion=gini"]).unwrap();
        assert_eq!((params.name.as_str(), params.note.as_deref()), ("", Some("a=b")));
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(read(&["depth=1"]).unwrap_err().contains("`depth=1` is not of the form --name=value"));
        assert!(read(&["--depth=deep"]).unwrap_err().contains("expected u32"));
        assert!(read(&["--colour=red"]).unwrap_err().contains("unknown field `colour`"));
        assert!(read(&["--name=x"]).unwrap_err().contains("missing field `depth`"));
        assert!(read(&["--criterion=luck"]).unwrap_err().contains("unknown variant `luck`"));
    }
}
