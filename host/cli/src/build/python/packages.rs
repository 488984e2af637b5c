//! The packages of a project: there when they are asked for, and none with code for another machine.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use super::{MAIN, PACKAGES};
use crate::ui::{Exit, Stop};

/// What a package brings along for machines that a component does not run on.
const NATIVE: [&str; 4] = ["so", "pyd", "dylib", "dll"];

/// How deep packages lie below their folder, at most.
const DEPTH: usize = 12;

/// Sees that what requirements.txt asks for was installed, and that all of it can run in a component.
pub(super) fn check(folder: &Path) -> Result<(), Stop> {
    let packages = folder.join(PACKAGES);
    let requirements = folder.join("requirements.txt");
    let asks = std::fs::read_to_string(&requirements).is_ok_and(|text| text.lines().any(asks_for_one));
    if asks && !packages.is_dir() {
        return Err(Stop::new(Exit::Usage, format!("what requirements.txt asks for is not in `{PACKAGES}`"))
            .at(requirements.display().to_string())
            .hint(format!(
                "cd {} && python3 -m pip install --target {PACKAGES} -r requirements.txt",
                folder.display()
            )));
    }
    match native(&packages, DEPTH).or_else(|| native_beside(folder)) {
        None => Ok(()),
        Some(file) => Err(refused(&file)),
    }
}

/// The SDK and its builder are no packages of the function's: the SDK comes with `fn`.
fn asks_for_one(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty()
        && !line.starts_with('#')
        && !line.starts_with("componentize-py")
        && !line.starts_with("weft-function")
}

fn refused(file: &Path) -> Stop {
    let what = "this package has machine code in it, which does not run in a component; pure Python does";
    Stop::new(Exit::Usage, what).at(file.display().to_string()).hint(
        "numpy, pandas and scikit-learn are such: train with the library's functions (or elsewhere, to ONNX) and ask the \
         model by `weft_function.model`; of other packages take a pure one: \
         `pip install --target deps --only-binary=:all: --platform any NAME`",
    )
}

/// The first native library in the folder of packages.
///
/// A speedup beside a module in Python does no harm, for then the module is taken without it.
fn native(folder: &Path, depth: usize) -> Option<PathBuf> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|it| it.path()).collect();
    entries.sort();
    let here = entries.iter().find(|it| is_native(it) && !has_fallback(it)).cloned();
    here.or_else(|| {
        let folders = entries.iter().filter(|it| depth > 0 && it.is_dir() && !it.is_symlink());
        folders.into_iter().find_map(|it| native(it, depth - 1))
    })
}

/// Those that lie beside the program itself.
fn native_beside(folder: &Path) -> Option<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|it| it.path()).collect();
    files.sort();
    files.into_iter().find(|it| it.file_name() != Some(OsStr::new(MAIN)) && is_native(it))
}

fn is_native(file: &Path) -> bool {
    let name = file.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let of_another_machine = file.extension().and_then(OsStr::to_str).is_some_and(|it| NATIVE.contains(&it));
    of_another_machine && !name.contains("wasm32-wasi") && file.is_file()
}

/// Whether a package does without: `_speedups.so` beside `_native.py`, or `name.so` beside `name.py`.
fn has_fallback(file: &Path) -> bool {
    let name = file.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default();
    file.with_file_name(format!("{stem}.py")).is_file() || stem.contains("speedup")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "jinja2==3.1.6\n").unwrap();
        }
        folder
    }

    #[test]
    fn machine_code_is_refused_and_named() {
        let folder = project(&["deps/numpy/_core/_multiarray_umath.cpython-314-x86_64-linux-gnu.so"]);
        let stop = check(folder.path()).unwrap_err();
        assert!(stop.parts().0.unwrap().contains("_multiarray_umath"), "{stop:?}");
        assert!(stop.parts().1.unwrap().contains("ONNX"), "{stop:?}");
        assert!(check(project(&["fast.cpython-314-darwin.so"]).path()).is_err());
    }

    #[test]
    fn pure_packages_and_those_that_do_without_are_taken() {
        let files = ["deps/markupsafe/_speedups.cpython-311-x86_64-linux-gnu.so", "deps/markupsafe/_native.py"];
        check(project(&files).path()).unwrap();
        check(project(&["deps/a/fast.so", "deps/a/fast.py", "deps/b/x.cpython-314-wasm32-wasi.so"]).path()).unwrap();
    }

    #[test]
    fn packages_that_were_not_installed_are_asked_for() {
        let folder = project(&["requirements.txt"]);
        let stop = check(folder.path()).unwrap_err();
        assert!(stop.parts().1.unwrap().contains("pip install --target deps"), "{stop:?}");
        std::fs::write(folder.path().join("requirements.txt"), "# only the builder\ncomponentize-py==0.25.1\n")
            .unwrap();
        check(folder.path()).unwrap();
    }
}
