//! Paths as a guest writes them, brought down to a name in a flat folder.

use super::ErrorCode;

/// Where a path leads, relative to `/in` or `/out`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// The folder itself.
    Here,
    /// A name in it.
    Name(&'a str),
}

/// Where `path` leads. Nothing leads out of a folder, and there is nothing below its files.
pub(super) fn place(path: &str) -> Result<Place<'_>, ErrorCode> {
    if path.is_empty() {
        return Err(ErrorCode::NoEntry);
    }
    if path.starts_with('/') || path.split('/').any(|part| part == "..") {
        return Err(ErrorCode::NotPermitted);
    }
    let mut parts = path.split('/').filter(|part| !part.is_empty() && *part != ".");
    match (parts.next(), parts.next()) {
        (None, _) => Ok(Place::Here),
        (Some(name), None) if name.contains('\0') => Err(ErrorCode::Invalid),
        (Some(name), None) => Ok(Place::Name(name)),
        (Some(_), Some(_)) => Err(ErrorCode::NoEntry),
    }
}

/// The name that `path` leads to.
pub(super) fn name(path: &str) -> Result<&str, ErrorCode> {
    match place(path)? {
        Place::Name(name) => Ok(name),
        Place::Here => Err(ErrorCode::IsDirectory),
    }
}

/// Whether a name can be that of an output: it becomes a file of the host's and an artifact.
pub(super) fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    (1..=100).contains(&name.len()) && !name.starts_with(['.', '-']) && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out() {
        for path in ["..", "../x", "a/../../x", "a/..", "/etc/passwd", "/", "./../x"] {
            assert!(matches!(place(path), Err(ErrorCode::NotPermitted)), "{path}");
        }
        assert!(matches!(place("a/b"), Err(ErrorCode::NoEntry)));
        assert!(matches!(place("a\0b"), Err(ErrorCode::Invalid)));
    }

    #[test]
    fn every_spelling_of_a_name_is_that_name() {
        for path in ["model.onnx", "./model.onnx", ".//model.onnx", "model.onnx/"] {
            assert!(matches!(place(path), Ok(Place::Name("model.onnx"))), "{path}");
        }
        assert!(matches!(place("."), Ok(Place::Here)));
        assert!(!is_plain(".hidden") && !is_plain("a b") && !is_plain("é") && is_plain("a_b-c.1"));
    }
}
