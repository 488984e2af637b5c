//! A program written to the standard `wasi:nn`: it loads a model by its name, computes, and reports what came of it.
//! It knows nothing of Weft.

use std::{env, fs, io, process::ExitCode};

/// The standard, as Rust.
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "ml" });
}

use bindings::wasi::nn::{
    errors::Error,
    graph,
    tensor::{Tensor, TensorType},
};

fn main() -> ExitCode {
    match fs::write("/out/report", report()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Whoever closed standard error does not want to know.
            let _ = io::Write::write_fmt(&mut io::stderr(), format_args!("error: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

/// One line per output, or one that says what went wrong and where.
fn report() -> String {
    let (model, input) = (param("model", "wine"), param("input", "x"));
    match ask(&model, &input, &param("values", "1,2")) {
        Ok(lines) => lines.concat(),
        Err((step, error)) => format!("{step} {:?}: {}\n", error.code(), error.data()),
    }
}

fn ask(model: &str, input: &str, values: &str) -> Result<Vec<String>, (&'static str, Error)> {
    let values: Vec<f32> = values.split(',').filter_map(|it| it.trim().parse().ok()).collect();
    let data: Vec<u8> = values.iter().flat_map(|it| it.to_le_bytes()).collect();
    let row = Tensor::new(&[1, values.len() as u32], TensorType::Fp32, &data);
    let graph = graph::load_by_name(model).map_err(|error| ("load-by-name", error))?;
    let context = graph.init_execution_context().map_err(|error| ("init-execution-context", error))?;
    let outputs = context.compute(vec![(input.to_owned(), row)]).map_err(|error| ("compute", error))?;
    Ok(outputs.iter().map(|(name, tensor)| line(name, tensor)).collect())
}

/// `sum Fp32 [1] 3`.
fn line(name: &str, tensor: &Tensor) -> String {
    let data = tensor.data();
    let values: Vec<String> = match tensor.ty() {
        TensorType::Fp32 => data.chunks_exact(4).map(|it| f32::from_le_bytes(four(it)).to_string()).collect(),
        _ => vec![format!("{} bytes", data.len())],
    };
    format!("{name} {:?} {:?} {}\n", tensor.ty(), tensor.dimensions(), values.join(" "))
}

fn four(bytes: &[u8]) -> [u8; 4] {
    let mut four = [0; 4];
    four.copy_from_slice(bytes);
    four
}

/// The value of `--name=value`.
fn param(name: &str, default: &str) -> String {
    let prefix = format!("--{name}=");
    env::args().find_map(|arg| arg.strip_prefix(&prefix).map(str::to_owned)).unwrap_or_else(|| default.to_owned())
}
