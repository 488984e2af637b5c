//! The datasets that come with the function, from `linfa-datasets`.

use linfa::Dataset;
use ndarray::Ix1;
use weft_tables::{Column, Table};

use crate::Loaded;

/// Why there is no such dataset.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("there is no dataset `{0}`; there are wine-quality and iris")]
    Unknown(String),
    #[error(transparent)]
    Table(#[from] weft_tables::Error),
}

/// The dataset called `name`.
pub(crate) fn load(name: &str) -> Result<Loaded, Error> {
    match name {
        "wine-quality" => wine_quality(),
        "iris" => iris(),
        other => Err(Error::Unknown(other.to_owned())),
    }
}

fn wine_quality() -> Result<Loaded, Error> {
    let data = linfa_datasets::winequality();
    let quality = data.targets().iter().map(|&it| it as f64).collect();
    loaded(
        &data,
        Column::numbers("quality", quality),
        "Wine Quality, red (Cortez, Cerdeira, Almeida, Matos and Reis, 2009)",
        "https://doi.org/10.24432/C56S3T",
    )
}

fn iris() -> Result<Loaded, Error> {
    const SPECIES: [&str; 3] = ["setosa", "versicolor", "virginica"];
    let data = linfa_datasets::iris();
    let species = data.targets().iter().map(|&it| SPECIES.get(it).map(|&it| it.to_owned())).collect();
    loaded(&data, Column::text("species", species), "Iris (Fisher, 1936)", "https://doi.org/10.24432/C56C76")
}

fn loaded(data: &Dataset<f64, usize, Ix1>, label: Column, title: &str, origin: &str) -> Result<Loaded, Error> {
    let named = data.feature_names().iter().zip(data.records().columns());
    // Names without blanks, so that a record in JSON and a column on a command line need no quotes.
    let mut columns: Vec<_> =
        named.map(|(name, values)| Column::numbers(name.replace(' ', "_"), values.to_vec())).collect();
    columns.push(label);
    Ok(Loaded {
        table: Table::new(columns)?,
        title: title.to_owned(),
        origin: Some(origin.to_owned()),
        license: Some("CC-BY-4.0".to_owned()),
    })
}
