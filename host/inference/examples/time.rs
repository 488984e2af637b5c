//! Times a model: `cargo run --release -p host-inference --example time -- MODEL.onnx [ROWS]`.

#![expect(clippy::print_stdout, reason = "an example talks to its user")]

use std::{env, fs, time::Instant};

use host_core::tensor::Tensor;
use host_inference::Session;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = env::args().nth(1).ok_or("which model file?")?;
    let rows: u64 = env::args().nth(2).map_or(Ok(1), |it| it.parse())?;
    let session = Session::load(&fs::read(file)?)?;
    let inputs: Vec<Tensor> = session
        .signature()
        .inputs
        .iter()
        .map(|spec| {
            let shape: Vec<u64> = spec.shape.iter().map(|dim| u64::try_from(*dim).unwrap_or(rows)).collect();
            let elements: usize = shape.iter().map(|dim| *dim as usize).product();
            let data = vec![0; elements * spec.datatype.width().unwrap_or(4)].into();
            Tensor { name: spec.name.clone(), dtype: spec.datatype, shape, data }
        })
        .collect();
    let mut times: Vec<_> = (0..2_000)
        .map(|_| {
            let start = Instant::now();
            session.run(&inputs).map(|_| start.elapsed())
        })
        .collect::<Result<_, _>>()?;
    times.sort();
    println!(
        "{rows} rows: median {:?}, best {:?}; measured at load: {:?}",
        times[times.len() / 2],
        times[0],
        session.cost()
    );
    Ok(())
}
