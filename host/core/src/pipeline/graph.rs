//! A pipeline as a drawing: arrows, levels, Mermaid and Graphviz.

use std::collections::HashMap;

use super::{Action, CallTarget, Deploy, Pipeline, Step, links};

/// One arrow of the drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrow<'p> {
    /// The step that comes first.
    pub from: &'p str,
    /// The step that waits for it.
    pub to: &'p str,
    /// The outputs that go along it; none where it only waits.
    pub outputs: Vec<&'p str>,
}

impl Pipeline {
    /// Every arrow, in the order of the steps they lead to.
    #[must_use]
    pub fn arrows(&self) -> Vec<Arrow<'_>> {
        let mut arrows = Vec::new();
        for (to, waits) in self.dependencies() {
            let links = self.steps.get(to).map(|step| links::links(to, step)).unwrap_or_default();
            for from in waits {
                let mut outputs: Vec<_> =
                    links.iter().filter(|link| link.to == from).filter_map(|link| link.output).collect();
                outputs.dedup();
                arrows.push(Arrow { from, to, outputs });
            }
        }
        arrows
    }

    /// The steps in rows: each stands below everything it waits for, as high as it can.
    #[must_use]
    pub fn levels(&self) -> Vec<Vec<&str>> {
        let waits = self.dependencies();
        let mut level_of: HashMap<&str, usize> = HashMap::new();
        let mut levels: Vec<Vec<&str>> = Vec::new();
        while level_of.len() < waits.len() {
            let placed = level_of.len();
            let row: Vec<&str> = waits
                .iter()
                .filter(|(step, waits)| {
                    !level_of.contains_key(*step) && waits.iter().all(|it| level_of.contains_key(it))
                })
                .map(|(step, _)| *step)
                .collect();
            level_of.extend(row.iter().map(|step| (*step, levels.len())));
            if level_of.len() == placed {
                // Only a pipeline that was never checked has circles; its steps are still shown.
                levels.push(waits.keys().copied().filter(|step| !level_of.contains_key(step)).collect());
                break;
            }
            levels.push(row);
        }
        levels
    }

    /// A Mermaid flowchart.
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        let mut text = String::from("flowchart TD\n");
        for (at, (name, step)) in self.steps.iter().enumerate() {
            text += &format!("    s{at}[\"{name}<br/>{}\"]\n", label(step));
        }
        for arrow in self.arrows() {
            let (from, to) = (self.number(arrow.from), self.number(arrow.to));
            match arrow.outputs.join(", ").as_str() {
                "" => text += &format!("    s{from} -.-> s{to}\n"),
                outputs => text += &format!("    s{from} -->|{outputs}| s{to}\n"),
            }
        }
        text
    }

    /// A Graphviz digraph.
    #[must_use]
    pub fn to_dot(&self) -> String {
        let mut text = format!("digraph \"{}\" {{\n    node [shape=box];\n", self.name);
        for (name, step) in &self.steps {
            text += &format!("    \"{name}\" [label=\"{name}\\n{}\"];\n", label(step));
        }
        for Arrow { from, to, outputs } in self.arrows() {
            match outputs.join(", ").as_str() {
                "" => text += &format!("    \"{from}\" -> \"{to}\" [style=dashed];\n"),
                outputs => text += &format!("    \"{from}\" -> \"{to}\" [label=\"{outputs}\"];\n"),
            }
        }
        text + "}\n"
    }

    fn number(&self, step: &str) -> usize {
        self.steps.get_index_of(step).unwrap_or_default()
    }
}

impl Step {
    /// What it does, in a few words.
    #[must_use]
    pub fn label(&self) -> String {
        label(self)
    }
}

fn label(step: &Step) -> String {
    let action = match &step.action {
        Action::Function(action) => action.function.to_string(),
        Action::RegisterModel(register) => format!("register {}", register.model),
        Action::PromoteModel(promote) => format!("promote {} to {}", promote.model, promote.alias),
        Action::Deploy(Deploy::Endpoint { endpoint, model }) => format!("serve {model} at {endpoint}"),
        Action::Deploy(Deploy::Function { function }) => format!("deploy {function}"),
        Action::Call(call) => match &call.target {
            CallTarget::Endpoint(endpoint) => format!("call {endpoint}"),
            CallTarget::Function(function) => format!("call {function}"),
        },
        Action::Request(request) => format!("{} {}", request.method, request.function),
        Action::Notify(notify) => format!("tell {}", notify.url),
        Action::Event(woken) => format!("{} wakes {}", woken.event.r#type(), woken.function),
        Action::Tracked(tracked) => format!("{} outside of the host", tracked.runtime),
    };
    if step.sweep.is_some() { format!("{action} (sweep)") } else { action }
}
