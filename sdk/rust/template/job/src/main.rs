//! Counts the words of a text.

use std::{collections::BTreeMap, fmt::Write as _, fs};

use serde::{Deserialize, Serialize};
use weft::{Failure, OrFail as _, Run};

#[derive(Deserialize)]
struct Params {
    /// The fewest letters a word has to have.
    shortest: usize,
}

/// What the output is, for whoever finds it among the artifacts.
#[derive(Serialize)]
struct Columns {
    columns: [&'static str; 2],
    rows: usize,
}

#[weft::job]
fn count_words(params: Params, run: &Run) -> Result<(), Failure> {
    let text = fs::read_to_string(run.input("text")?).or_invalid("bad-text")?;
    let counts = count(&text, params.shortest);
    run.metric("words", counts.values().sum::<usize>() as f64);
    run.result("distinct", &counts.len())?;
    fs::write(run.output("counts"), table(&counts))?;
    run.describe("counts", "table", &Columns { columns: ["word", "count"], rows: counts.len() })
}

fn count(text: &str, shortest: usize) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for word in text.split(|letter: char| !letter.is_alphanumeric()) {
        if !word.is_empty() && word.chars().count() >= shortest {
            *counts.entry(word.to_lowercase()).or_default() += 1;
        }
    }
    counts
}

fn table(counts: &BTreeMap<String, usize>) -> String {
    let mut rows: Vec<_> = counts.iter().collect();
    // Equally frequent words stay in the order of the alphabet.
    rows.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let mut text = "word,count\n".to_owned();
    for (word, count) in rows {
        let _ = writeln!(text, "{word},{count}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_word_comes_first() {
        assert_eq!(table(&count("to be or not to be, TO!", 2)), "word,count\nto,3\nbe,2\nnot,1\nor,1\n");
    }
}
