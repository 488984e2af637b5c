//! The templates in Python.

use super::File;

macro_rules! template {
    ($folder:literal: $($case:literal),+) => {
        &[
            ("function.toml", include_str!(concat!("../../../../../sdk/python/template/", $folder, "/function.toml"))),
            ("main.py", include_str!(concat!("../../../../../sdk/python/template/", $folder, "/main.py"))),
            ("test_main.py", include_str!(concat!("../../../../../sdk/python/template/", $folder, "/test_main.py"))),
            ("requirements.txt", include_str!(concat!("../../../../../sdk/python/template/", $folder, "/requirements.txt"))),
            ("README.md", include_str!(concat!("../../../../../sdk/python/template/", $folder, "/README.md"))),
            (".gitignore", include_str!(concat!("../../../../../sdk/python/template/", $folder, "/.gitignore"))),
            $(($case, include_str!(concat!("../../../../../sdk/python/template/", $folder, "/", $case)))),+
        ]
    };
}

pub(super) const HANDLER: &[File] = template!("handler": "cases/greet.json");
pub(super) const HTTP: &[File] = template!("http": "cases/greet.json", "cases/bad-json.json");
pub(super) const JOB: &[File] = template!("job": "cases/count.json");
