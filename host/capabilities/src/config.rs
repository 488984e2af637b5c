//! What a function reads by name: the plain values of its manifest, and the secrets it grants.

use host_core::{grant::Grants, ports::SecretError};

use crate::secret::Held;

/// What `key` means for a function with these grants; `None` when nothing.
///
/// # Errors
/// When it is a secret whose value cannot be had.
pub fn get(grants: &Grants, held: Option<&Held>, key: &str) -> Result<Option<String>, SecretError> {
    match (grants.config.get(key), held) {
        (Some(value), _) => Ok(Some(value.clone())),
        (None, Some(held)) => held.read(key),
        (None, None) => Ok(None),
    }
}

/// Everything a function may read: plain values first, each in the order of the manifest.
///
/// # Errors
/// When the value of a secret cannot be had.
pub fn get_all(grants: &Grants, held: Option<&Held>) -> Result<Vec<(String, String)>, SecretError> {
    let plain = grants.config.iter().map(|(key, value)| (key.clone(), value.clone()));
    let mut all: Vec<_> = plain.collect();
    if let Some(held) = held {
        all.extend(held.read_all()?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use host_core::{manifest::Manifest, ports::SecretValue};

    use super::*;

    fn grants(text: &str) -> Grants {
        Manifest::parse(&format!("name = \"x\"\n[grants]\n{text}\n")).unwrap().grants
    }

    #[test]
    fn only_what_the_manifest_names_is_there() {
        let grants = grants("config = { b = \"2\", a = \"1\" }\nsecret = [\"db\"]");
        let held = Held::new(vec![(grants.secret[0].clone(), SecretValue::parse("value".to_owned()))]);
        assert_eq!(get(&grants, Some(&held), "a").unwrap().as_deref(), Some("1"));
        assert_eq!(get(&grants, Some(&held), "db").unwrap().as_deref(), Some("value"));
        assert_eq!(get(&grants, Some(&held), "PATH").unwrap(), None);
        let all = get_all(&grants, Some(&held)).unwrap();
        let all: Vec<_> = all.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(all, [("b", "2"), ("a", "1"), ("db", "value")]);
        assert_eq!(get_all(&Grants::default(), None).unwrap(), []);
    }
}
