//! The file that is a whole function, and what its lines became in the folder that was made of it.

use std::path::PathBuf;

/// The file a project was made of.
#[derive(Debug, Clone)]
pub(crate) struct Original {
    /// As it was named on the command line.
    pub(crate) file: PathBuf,
    /// For each line of the program, the cell of the notebook it stands in and the line there; nothing where the program
    /// is the file as it stands.
    pub(crate) cells: Vec<(usize, usize)>,
}

impl Original {
    /// A place in the program, as the user knows it.
    pub(crate) fn place(&self, line: usize) -> String {
        let file = self.file.display();
        match line.checked_sub(1).and_then(|it| self.cells.get(it)) {
            Some((cell, line)) => format!("{file}, cell {cell}, line {line}"),
            None => format!("{file}:{line}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_program_is_one_of_the_file() {
        let file = PathBuf::from("a.ipynb");
        let notebook = Original { file: file.clone(), cells: vec![(2, 1), (2, 2), (5, 1)] };
        assert_eq!(notebook.place(3), "a.ipynb, cell 5, line 1");
        assert_eq!(notebook.place(9), "a.ipynb:9");
        assert_eq!(Original { file: "a.py".into(), cells: Vec::new() }.place(3), "a.py:3");
    }
}
