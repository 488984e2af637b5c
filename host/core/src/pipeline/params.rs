//! Parameters: what is declared, what is given, and what comes of both.

use std::fmt;

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::{
    problem::{MAX_PROBLEMS, Places, Problem, Problems, did_you_mean},
    reader::{Reader, Spot},
};

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParamType {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// Values in a row.
    List,
    /// Values by name.
    Object,
}

impl ParamType {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::String, Self::Integer, Self::Number, Self::Boolean, Self::List, Self::Object];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::List => "list",
            Self::Object => "object",
        }
    }

    /// The type of a value; none for null.
    #[must_use]
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Null => None,
            Value::Bool(_) => Some(Self::Boolean),
            Value::Number(number) if number.is_f64() => Some(Self::Number),
            Value::Number(_) => Some(Self::Integer),
            Value::String(_) => Some(Self::String),
            Value::Array(_) => Some(Self::List),
            Value::Object(_) => Some(Self::Object),
        }
    }

    /// Whether a value of type `other` will do where this type is asked for.
    #[must_use]
    pub fn accepts(self, other: Self) -> bool {
        self == other || (self == Self::Number && other == Self::Integer)
    }
}

impl fmt::Display for ParamType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A declared parameter.
///
/// Written in full as a mapping, or in short as its default, from which the type is inferred.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ParamSpec {
    /// The type.
    pub r#type: ParamType,
    /// The value when none is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// Whether it may be left out although it has no default.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// The only values allowed, when there are any.
    #[serde(rename = "enum", skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Value>,
    /// The smallest number allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<f64>,
    /// The largest number allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum: Option<f64>,
    /// One sentence on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// The keys of a parameter written in full.
pub(super) const KEYS: &[&str] = &["type", "default", "optional", "enum", "minimum", "maximum", "description"];

impl ParamSpec {
    /// A parameter that must be given.
    #[must_use]
    pub fn required(r#type: ParamType) -> Self {
        Self {
            r#type,
            default: None,
            optional: false,
            choices: Vec::new(),
            minimum: None,
            maximum: None,
            description: None,
        }
    }

    /// A parameter with a default, from which its type is inferred; none for null.
    #[must_use]
    pub fn with_default(default: Value) -> Option<Self> {
        let r#type = ParamType::of(&default)?;
        Some(Self { default: Some(default), ..Self::required(r#type) })
    }

    /// Whether it has to be given.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.default.is_none() && !self.optional
    }

    /// What is wrong with a value for this parameter, if anything.
    #[must_use]
    pub fn refuses(&self, value: &Value) -> Option<String> {
        match ParamType::of(value) {
            None if self.optional => return None,
            Some(given) if self.r#type.accepts(given) => {}
            given => {
                let given = given.map_or("null", ParamType::as_str);
                return Some(format!("expected {}, found {given} {value}", self.r#type));
            }
        }
        if !self.choices.is_empty() && !self.choices.iter().any(|choice| equal(choice, value)) {
            let choices: Vec<_> = self.choices.iter().map(ToString::to_string).collect();
            return Some(format!("{value} is not one of {}", choices.join(", ")));
        }
        self.out_of_range(value.as_f64()?)
    }

    fn out_of_range(&self, number: f64) -> Option<String> {
        if let Some(minimum) = self.minimum.filter(|minimum| number < *minimum) {
            return Some(format!("{number} is less than the minimum, {minimum}"));
        }
        self.maximum
            .filter(|maximum| number > *maximum)
            .map(|maximum| format!("{number} is more than the maximum, {maximum}"))
    }

    /// A value as written on a command line: text for a string, JSON for everything else.
    ///
    /// # Errors
    /// When the text is not of the parameter's type.
    pub fn value_from_text(&self, text: &str) -> Result<Value, String> {
        if self.r#type == ParamType::String {
            return Ok(Value::String(text.to_owned()));
        }
        serde_json::from_str(text).map_err(|_| format!("expected {}, found `{text}`", self.r#type))
    }

    /// Reads a declaration, in full or in short.
    pub(super) fn read(reader: &mut Reader<'_>, spot: &Spot<'_>) -> Option<Self> {
        if !spot.value.is_object() {
            let spec = Self::with_default(spot.value.clone());
            if spec.is_none() {
                reader.problem(
                    spot,
                    "has neither a type nor a default",
                    Some("write a default, or { type: string }".into()),
                );
            }
            return spec;
        }
        reader.mapping(spot, "a parameter", KEYS)?;
        let default = spot.get("default").filter(|it| !it.value.is_null());
        let mut spec = Self {
            r#type: read_type(reader, spot, default.as_ref())?,
            default: None,
            optional: spot.get("optional").and_then(|it| reader.boolean(&it)).unwrap_or(false),
            choices: spot.get("enum").and_then(|it| reader.list(&it, "a list of values")).unwrap_or_default(),
            minimum: spot.get("minimum").and_then(|it| reader.number(&it)),
            maximum: spot.get("maximum").and_then(|it| reader.number(&it)),
            description: spot.get("description").and_then(|it| reader.text(&it)).map(str::to_owned),
        };
        spec.check_itself(reader, spot, default.as_ref());
        spec.default = default.map(|it| it.value.clone());
        Some(spec)
    }

    fn check_itself(&self, reader: &mut Reader<'_>, spot: &Spot<'_>, default: Option<&Spot<'_>>) {
        if let (Some(minimum), Some(maximum)) = (self.minimum, self.maximum)
            && minimum > maximum
        {
            reader.problem(spot, format!("the minimum, {minimum}, is more than the maximum, {maximum}"), None);
        }
        let is_number = matches!(self.r#type, ParamType::Integer | ParamType::Number);
        if !is_number && (self.minimum.is_some() || self.maximum.is_some()) {
            reader.problem(spot, format!("a {} has no minimum or maximum", self.r#type), None);
        }
        let bare = Self::required(self.r#type);
        for (at, choice) in self.choices.iter().enumerate() {
            if let (Some(fault), Some(list)) = (bare.refuses(choice), spot.get("enum")) {
                reader.problem_at(&format!("{}[{at}]", list.path), fault, None);
            }
        }
        if let Some(default) = default
            && let Some(fault) = self.refuses(default.value)
        {
            reader.problem(default, format!("the default does not fit: {fault}"), None);
        }
    }
}

fn read_type(reader: &mut Reader<'_>, spot: &Spot<'_>, default: Option<&Spot<'_>>) -> Option<ParamType> {
    let Some(declared) = spot.get("type") else {
        let inferred = default.and_then(|it| ParamType::of(it.value));
        if inferred.is_none() {
            reader.problem(spot, "has neither a type nor a default", Some("add `type: string`".into()));
        }
        return inferred;
    };
    let word = reader.text(&declared)?;
    let found = ParamType::ALL.into_iter().find(|it| it.as_str() == word);
    if found.is_none() {
        let usual = match word {
            "int" => Some("integer"),
            "float" | "double" => Some("number"),
            "str" | "text" => Some("string"),
            "bool" => Some("boolean"),
            "array" => Some("list"),
            "map" | "dict" => Some("object"),
            _ => None,
        };
        let suggestion = usual
            .map(|it| format!("did you mean `{it}`?"))
            .or_else(|| did_you_mean(word, ParamType::ALL.map(ParamType::as_str)));
        reader.problem(&declared, format!("`{word}` is not a type"), suggestion);
    }
    found
}

/// Equal as values: 1 and 1.0 are.
fn equal(left: &Value, right: &Value) -> bool {
    left == right || matches!((left.as_f64(), right.as_f64()), (Some(left), Some(right)) if left == right)
}

impl<'de> Deserialize<'de> for ParamSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let places = Places::default();
        let mut reader = Reader::new(&places);
        let spec = Self::read(&mut reader, &Spot::root(&value));
        let problems: Vec<_> = reader.into_problems().iter().map(ToString::to_string).collect();
        spec.filter(|_| problems.is_empty()).ok_or_else(|| serde::de::Error::custom(problems.join("; ")))
    }
}

/// The values of declared parameters: those given, and defaults for the rest.
///
/// # Errors
/// Every value that is missing, unknown or does not fit, all at once; paths begin with `params`.
pub fn bind_params(
    specs: &IndexMap<String, ParamSpec>,
    given: &Map<String, Value>,
) -> Result<Map<String, Value>, Vec<Problem>> {
    let places = Places::default();
    let mut problems = Problems::new(&places);
    for name in given.keys().filter(|name| !specs.contains_key(*name)).take(MAX_PROBLEMS) {
        let suggestion = did_you_mean(name, specs.keys().map(String::as_str));
        problems.add(&format!("params.{name}"), format!("there is no parameter `{name}`"), suggestion);
    }
    let mut bound = Map::new();
    for (name, spec) in specs {
        match given.get(name).or(spec.default.as_ref()) {
            Some(value) => {
                if let Some(fault) = spec.refuses(value) {
                    problems.add(&format!("params.{name}"), fault, None);
                }
                bound.insert(name.clone(), value.clone());
            }
            None if spec.optional => {}
            None => problems.add(&format!("params.{name}"), format!("the parameter `{name}` is required"), None),
        }
    }
    let list = problems.into_list();
    if list.is_empty() { Ok(bound) } else { Err(list) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn specs(value: Value) -> IndexMap<String, ParamSpec> {
        serde_json::from_value(value).unwrap()
    }

    fn bind(specs: &IndexMap<String, ParamSpec>, given: Value) -> Result<Value, Vec<String>> {
        let given = given.as_object().unwrap();
        bind_params(specs, given).map(Value::Object).map_err(|all| all.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_default_alone_declares_a_parameter() {
        let specs = specs(json!({"fast": true, "trees": 10, "rate": 0.1, "name": "x", "cols": ["a"]}));
        let types: Vec<_> = specs.values().map(|it| it.r#type.as_str()).collect();
        assert_eq!(types, ["boolean", "integer", "number", "string", "list"]);
    }

    #[test]
    fn defaults_fill_what_is_not_given() {
        let specs =
            specs(json!({"seed": 42, "rate": {"type": "number"}, "note": {"type": "string", "optional": true}}));
        assert_eq!(bind(&specs, json!({"rate": 1})), Ok(json!({"seed": 42, "rate": 1})));
    }

    #[test]
    fn every_misfit_is_told_at_once() {
        let specs = specs(json!({
            "seed": 42,
            "rate": {"type": "number", "minimum": 0, "maximum": 1},
            "kind": {"type": "string", "enum": ["a", "b"]},
            "data": {"type": "string"},
        }));
        let said = bind(&specs, json!({"seed": 1.5, "rate": 2, "kind": "c", "dta": "x"})).unwrap_err();
        assert_eq!(
            said,
            [
                "params.dta: there is no parameter `dta`; did you mean `data`?",
                "params.seed: expected integer, found number 1.5",
                "params.rate: 2 is more than the maximum, 1",
                "params.kind: \"c\" is not one of \"a\", \"b\"",
                "params.data: the parameter `data` is required",
            ]
        );
    }

    #[test]
    fn a_declaration_must_fit_itself() {
        for (spec, message) in [
            (json!({"type": "integer", "default": "x"}), "the default does not fit"),
            (json!({"type": "int"}), "did you mean `integer`?"),
            (json!({"type": "integer", "minimum": 3, "maximum": 1}), "is more than the maximum"),
            (json!({"type": "string", "minimum": 3}), "has no minimum or maximum"),
            (json!({"type": "string", "enum": ["a", 1]}), "enum[1]: expected string"),
            (json!({"type": "string", "defualt": "a"}), "did you mean `default`?"),
            (json!(null), "neither a type nor a default"),
            (json!({}), "neither a type nor a default"),
        ] {
            let error = serde_json::from_value::<ParamSpec>(spec.clone()).unwrap_err().to_string();
            assert!(error.contains(message), "{spec}: {error}");
        }
    }

    #[test]
    fn a_declaration_survives_being_written() {
        for spec in [
            json!({"type": "integer", "default": 3, "minimum": 1.0}),
            json!({"type": "string", "enum": ["a"], "optional": true}),
        ] {
            let read: ParamSpec = serde_json::from_value(spec.clone()).unwrap();
            let again: ParamSpec = serde_json::from_value(serde_json::to_value(&read).unwrap()).unwrap();
            assert_eq!(read, again);
        }
    }

    #[test]
    fn toml_declares_parameters_too() {
        let spec: IndexMap<String, ParamSpec> =
            toml::from_str("seed = 42\ntest = { type = \"number\", default = 0.2 }").unwrap();
        assert_eq!(spec["seed"].r#type, ParamType::Integer);
        assert_eq!(spec["test"].default, Some(json!(0.2)));
    }

    #[test]
    fn text_from_a_command_line_becomes_a_value_of_the_type() {
        assert_eq!(ParamSpec::required(ParamType::String).value_from_text("12"), Ok(json!("12")));
        assert_eq!(ParamSpec::required(ParamType::List).value_from_text("[1]"), Ok(json!([1])));
        assert!(ParamSpec::required(ParamType::Integer).value_from_text("x").is_err());
    }
}
