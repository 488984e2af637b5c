//! The contract between function and host, carried by this program for the languages whose builds read it.

macro_rules! files {
    ($($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../../../../sdk/wit/", $path)))),+]
    };
}

/// Its files: paths below `sdk/wit`, and texts.
pub(super) const CONTRACT: &[(&str, &str)] = files!(
    "context.wit",
    "deps/cli.wit",
    "deps/clocks.wit",
    "deps/config.wit",
    "deps/filesystem.wit",
    "deps/http.wit",
    "deps/io.wit",
    "deps/keyvalue.wit",
    "deps/random.wit",
    "deps/sockets.wit",
    "handler.wit",
    "log.wit",
    "model.wit",
    "publish.wit",
    "run.wit",
    "types.wit",
    "worlds.wit",
);
