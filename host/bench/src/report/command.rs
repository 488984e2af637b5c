//! The line that was typed, to be typed again.

/// `cargo xtask bench` with these arguments; the address of a database stays private.
pub(super) fn typed(args: impl Iterator<Item = String>) -> String {
    let mut words = Vec::new();
    let mut is_private = false;
    for arg in args {
        let word = match arg.split_once('=') {
            _ if is_private => "URL".to_owned(),
            Some(("--postgres", _)) => "--postgres=URL".to_owned(),
            _ if arg.contains(char::is_whitespace) => format!("'{arg}'"),
            _ => arg.clone(),
        };
        is_private = arg == "--postgres";
        words.push(word);
    }
    if words.is_empty() { "cargo xtask bench".to_owned() } else { format!("cargo xtask bench -- {}", words.join(" ")) }
}
