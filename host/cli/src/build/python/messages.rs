//! What componentize-py says, in fewer words: Python's own message, and where in the function it came from.

use crate::{
    project::Project,
    ui::{Exit, Stop},
};

use super::MAIN;

/// The most lines of a traceback that are shown.
const LINES: usize = 30;

/// The error of a build that failed.
pub(super) fn explained(said: &str, project: &Project) -> Stop {
    let said = in_the_projects_words(&python(said), project);
    let place = place(&said);
    let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing").trim().to_owned();
    let mut stop = Stop::new(Exit::Failed, format!("componentize-py could not build it: {last}"));
    let traceback: Vec<&str> = said.lines().collect();
    let from = traceback.len().saturating_sub(LINES);
    if traceback.len() > 1 {
        stop = stop.hint(format!("Python said:\n{}", traceback[from..].join("\n")));
    }
    match place {
        Some(place) => stop.at(place),
        None => stop.at(project.folder.join(MAIN).display().to_string()),
    }
}

/// Python's part of it: from the first traceback, or the error, to where the builder's own account begins.
fn python(said: &str) -> String {
    let begin = said.find("AssertionError: ").map_or(0, |at| at + "AssertionError: ".len());
    let rest = &said[begin..];
    let end = ["\n\nCaused by:", "\nStack backtrace:"].iter().filter_map(|it| rest.find(it)).min();
    rest[..end.unwrap_or(rest.len())].trim().to_owned()
}

/// Inside, the project's folder is called `/0`; where the program was made of one file, its lines are those of that file.
fn in_the_projects_words(text: &str, project: &Project) -> String {
    let folder = project.folder.display().to_string();
    let lines = text.lines().map(|line| match (inside(line), project.original()) {
        (Some((before, number, after)), Some(original)) => format!("{before}\"{}\"{after}", original.place(number)),
        _ => mistaken(line, project).unwrap_or_else(|| line.replace("\"/0/", &format!("\"{folder}/"))),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A mistake that the SDK found in the program: `/0/main.py:LINE: …`.
fn mistaken(line: &str, project: &Project) -> Option<String> {
    let (before, rest) = line.split_once("/0/main.py:")?;
    let (number, after) = rest.split_once(':')?;
    let place = match project.original() {
        Some(original) => original.place(number.parse().ok()?),
        None => format!("{}:{number}", project.folder.join(MAIN).display()),
    };
    Some(format!("{before}{place}:{after}"))
}

/// A line of a traceback through the program: what stands before the place, its line there, and what follows.
fn inside(line: &str) -> Option<(&str, usize, &str)> {
    let (before, rest) = line.split_once("\"/0/main.py\", line ")?;
    let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    Some((before, rest[..end].parse().ok()?, &rest[end..]))
}

/// The last place that is named: `File "…", line N`, or one that says its line itself.
fn place(text: &str) -> Option<String> {
    let line =
        text.lines().rfind(|line| line.trim_start().starts_with("File \"") && !line.contains("/weft_function/"))?;
    let (file, rest) = line.trim_start().strip_prefix("File \"")?.split_once('"')?;
    let number: String =
        rest.strip_prefix(", line ").unwrap_or_default().chars().take_while(char::is_ascii_digit).collect();
    Some(if number.is_empty() { file.to_owned() } else { format!("{file}:{number}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "Traceback (most recent call last):\n  File \"/x/bin/componentize-py\", line 8, in <module>\n\
        AssertionError: Traceback (most recent call last):\n  File \"/2/weft_app.py\", line 3, in <module>\n    import main\n  \
        File \"/0/main.py\", line 4, in <module>\n    import nowhere\nModuleNotFoundError: No module named 'nowhere'\n\n\n\
        Caused by:\n    ModuleNotFoundError\n\nStack backtrace:\n   0: <anyhow::Error>\n";

    #[test]
    fn of_a_long_account_pythons_part_is_kept() {
        let python = python(SAID);
        assert!(python.starts_with("Traceback") && python.ends_with("'nowhere'"), "{python}");
        assert!(!python.contains("anyhow") && !python.contains("/x/bin"), "{python}");
        assert_eq!(place(&python).as_deref(), Some("/0/main.py:4"));
        let made_of_one = python.replace("\"/0/main.py\", line 4", "\"a.ipynb, cell 2, line 1\"");
        assert_eq!(place(&made_of_one).as_deref(), Some("a.ipynb, cell 2, line 1"));
        assert_eq!(inside("  File \"/0/main.py\", line 12, in f"), Some(("  File ", 12, ", in f")));
    }
}
