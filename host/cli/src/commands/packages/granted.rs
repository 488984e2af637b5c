//! `fn pull --grant`: rights that whoever pulls gives in place of those that the package asks for.

use host_core::{grant::Grants, manifest::Manifest};

use crate::ui::{Exit, Stop};

/// The package's manifest with the rights of each of `lines`, such as `http = ["https://api.example.com"]`, in the place
/// of those of the same word.
pub(super) fn with(lines: &[String], asked: &Manifest) -> Result<Manifest, Stop> {
    if lines.is_empty() {
        return Ok(asked.clone());
    }
    let wrong = |message: String| {
        Stop::new(Exit::Usage, format!("could not read --grant: {message}"))
            .hint("a line as under [grants] in function.toml: --grant 'http = [\"https://api.example.com\"]'")
    };
    let text = lines.join("\n");
    let given: toml::Table = toml::from_str(&text).map_err(|error| wrong(error.message().to_owned()))?;
    let mut grants = toml::Table::try_from(&asked.grants).map_err(|error| wrong(error.to_string()))?;
    grants.extend(given);
    let grants: Grants = grants.try_into().map_err(|error: toml::de::Error| wrong(error.message().to_owned()))?;
    Ok(Manifest { grants, ..asked.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        Manifest::parse("name = \"fetch\"\n[grants]\nhttp = [\"https://a.example\"]\nmodel = [\"wine\"]\n").unwrap()
    }

    #[test]
    fn a_right_that_is_given_takes_the_place_of_the_one_asked_for() {
        let given = with(&["http = [\"https://b.example\"]".into()], &manifest()).unwrap();
        let expected = Manifest::parse("name = \"x\"\n[grants]\nhttp = [\"https://b.example\"]\nmodel = [\"wine\"]\n");
        assert_eq!(given.grants, expected.unwrap().grants);
        assert_eq!(with(&["http = []".into()], &manifest()).unwrap().grants.http, []);
        assert_eq!(with(&[], &manifest()).unwrap(), manifest());
    }

    #[test]
    fn what_is_no_grant_is_refused() {
        for line in ["http", "http = 7", "everything = true", "http = [\"ftp://a\"]"] {
            assert!(with(&[line.into()], &manifest()).is_err(), "{line}");
        }
    }
}
