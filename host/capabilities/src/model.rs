//! Which models a function may ask.

use host_core::{manifest::Manifest, model::ModelRef};

/// What a name means that a guest asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granted<'a> {
    /// A model of the registry, as the manifest grants it.
    Registry(&'a ModelRef),
    /// A job's input of this name, which is a model.
    Input(&'a str),
}

/// What `name` means for a function with this manifest; `None` when it grants no such model.
///
/// A job may ask a model among its own inputs as `in/<name>` without a grant: whoever gave it the input allowed it.
#[must_use]
pub fn granted<'a>(manifest: &'a Manifest, name: &'a str) -> Option<Granted<'a>> {
    match name.strip_prefix("in/") {
        Some(input) => Some(Granted::Input(input)),
        None => manifest.grants.model(name).map(Granted::Registry),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_manifest_names_is_granted() {
        let manifest = Manifest::parse("name = \"x\"\n[grants]\nmodel = [\"wine@candidate\"]\n").unwrap();
        let reference = &manifest.grants.model[0];
        assert_eq!(granted(&manifest, "wine"), Some(Granted::Registry(reference)));
        assert_eq!(granted(&manifest, "wine@candidate"), Some(Granted::Registry(reference)));
        assert_eq!(granted(&manifest, "wine@production"), None);
        assert_eq!(granted(&manifest, "iris"), None);
        assert_eq!(granted(&manifest, "in/model"), Some(Granted::Input("model")));
    }
}
