//! Values of the param `values`, as Postgres reads them.

use postgres_protocol::Oid;
use serde_json::Value;
use weft::Failure;

const JSON: [Oid; 2] = [114, 3802];

/// The text of each value; `None` is NULL.
pub(crate) fn texts(values: &[Value], wanted: &[Oid]) -> Result<Vec<Option<String>>, Failure> {
    if values.len() != wanted.len() {
        let message = format!("the query has {} places for values, and `values` has {}", wanted.len(), values.len());
        return Err(Failure::invalid("bad-values", message));
    }
    values.iter().zip(wanted).map(|(value, oid)| text(value, *oid)).collect()
}

fn text(value: &Value, oid: Oid) -> Result<Option<String>, Failure> {
    let text = match value {
        Value::Null => return Ok(None),
        value if JSON.contains(&oid) => value.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(list) => array(list, oid)?,
        other => other.to_string(),
    };
    // The protocol would carry it, and the server refuse it with less to say.
    if text.contains('\0') {
        return Err(Failure::invalid("bad-values", "a value holds the character 0, which Postgres has no place for"));
    }
    Ok(Some(text))
}

/// `{1,2,NULL,"a b"}`: everything in quotes, so that nothing in it means anything.
fn array(list: &[Value], oid: Oid) -> Result<String, Failure> {
    let item = |value: &Value| {
        Ok(match (value, text(value, oid)?) {
            (Value::Array(_), Some(inner)) => inner,
            (_, Some(text)) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
            (_, None) => "NULL".to_owned(),
        })
    };
    let items: Vec<String> = list.iter().map(item).collect::<Result<_, Failure>>()?;
    Ok(format!("{{{}}}", items.join(",")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn texts_of(values: Value) -> Vec<Option<String>> {
        let values = values.as_array().unwrap();
        texts(values, &vec![25; values.len()]).unwrap()
    }

    #[test]
    fn values_are_text_and_null_is_null() {
        let texts = texts_of(json!([1, 2.5, true, "it's", null, {"a": 1}, [1, null, "a\"\\,{"], [[1], [2]]]));
        let expected = [
            Some("1"),
            Some("2.5"),
            Some("true"),
            Some("it's"),
            None,
            Some("{\"a\":1}"),
            Some("{\"1\",NULL,\"a\\\"\\\\,{\"}"),
            Some("{{\"1\"},{\"2\"}}"),
        ];
        assert_eq!(texts, expected.map(|it| it.map(str::to_owned)));
        assert_eq!(texts_of(json!([])), Vec::<Option<String>>::new());
    }

    #[test]
    fn json_stays_json_where_that_is_wanted() {
        let values = [json!("a"), json!([1, 2])];
        assert_eq!(texts(&values, &[114, 3802]).unwrap(), [Some("\"a\"".to_owned()), Some("[1,2]".to_owned())]);
    }

    #[test]
    fn there_are_as_many_values_as_places() {
        let error = texts(&[json!(1)], &[]).unwrap_err().to_string();
        assert_eq!(error, "the query has 0 places for values, and `values` has 1 (bad-values)");
        assert!(texts(&[json!("\0")], &[25]).is_err());
    }
}
