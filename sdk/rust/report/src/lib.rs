//! Self-contained HTML pages with SVG charts, for what a job found.

mod chart;
mod matrix;
mod page;

pub use chart::{Series, bars, histogram, lines, scatter};
pub use matrix::{Shades, heatmap};
pub use page::{Page, Tile, number, table};
