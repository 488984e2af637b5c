//! Every operation by everybody: what the description of the API says of roles is what holds.

use std::collections::BTreeMap;

use host_core::identity::Role;
use serde_json::{Value, json};

use super::{create, installation, strict};
use crate::support::{Options, root};

/// One operation as the description has it.
struct Operation {
    id: String,
    method: String,
    path: String,
    /// The role it needs; none for what everybody may ask.
    role: Option<Role>,
    reach: String,
}

fn operations() -> Vec<Operation> {
    let text = std::fs::read_to_string(root().join("host/api/openapi.json")).unwrap();
    let api: Value = serde_json::from_str(&text).unwrap();
    let mut operations = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, it) in item.as_object().unwrap() {
            let text =
                |key: &str| it[key].as_str().unwrap_or_else(|| panic!("{method} {path} has no {key}")).to_owned();
            operations.push(Operation {
                id: text("operationId"),
                method: method.to_ascii_uppercase(),
                path: filled(path),
                role: text("x-weft-role").parse().ok(),
                reach: text("x-weft-reach"),
            });
        }
    }
    operations
}

/// The path with something of the right form, and of no consequence, for each of its parameters.
fn filled(path: &str) -> String {
    let fill = |part: &str| match part {
        "{project}" => "default".to_owned(),
        "{digest}" => format!("sha256:{}", "0".repeat(64)),
        "{id}" => "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
        "{number}" | "{version}" => "1".to_owned(),
        parameter if parameter.starts_with('{') => "nothing".to_owned(),
        literal => literal.to_owned(),
    };
    path.split('/').map(fill).collect::<Vec<_>>().join("/")
}

/// Somebody who asks: the role of their token, and whether it is for this project.
struct Asker {
    name: &'static str,
    token: Option<String>,
    role: Option<Role>,
    is_stranger: bool,
}

impl Asker {
    fn may(&self, operation: &Operation) -> bool {
        let Some(needs) = operation.role else { return true };
        let reaches = !self.is_stranger || operation.reach == "anywhere";
        self.role.is_some_and(|has| has >= needs) && reaches
    }
}

#[test]
fn each_operation_lets_in_whom_its_role_says_and_nobody_else() {
    let (data, admin) = installation();
    let host = strict(&data, Options::default());
    let asker = |name: &'static str, role: Role, project: Option<&str>| Asker {
        name,
        token: Some(create(&host, &admin, &json!({ "name": name, "role": role, "project": project }))),
        role: Some(role),
        is_stranger: project.is_some_and(|it| it != "default"),
    };
    let askers = [
        Asker { name: "nobody", token: None, role: None, is_stranger: false },
        asker("viewer", Role::Viewer, None),
        asker("developer", Role::Developer, None),
        asker("operator", Role::Operator, None),
        asker("admin", Role::Admin, None),
        asker("own-viewer", Role::Viewer, Some("default")),
        asker("stranger", Role::Admin, Some("other")),
    ];
    let mut wrong = Vec::new();
    for operation in operations() {
        for asker in &askers {
            let (status, said) = host.knock(&operation.method, &operation.path, asker.token.as_deref());
            // Whose a namespace is, its owners say and no role.
            let is_in = !matches!(status, 401 | 403) || said.contains("not-an-owner");
            if is_in != expected(asker, &operation) || status >= 500 && status != 503 {
                wrong.push(format!("{} as {}: {status} {said}", operation.id, asker.name));
            }
            if asker.token.is_none() && !is_in && status != 401 {
                wrong.push(format!("{} as nobody is {status}, not 401", operation.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn expected(asker: &Asker, operation: &Operation) -> bool {
    // A token for the project itself reaches what lies in it, but not the host as a whole.
    let is_bound = asker.name == "own-viewer" && operation.reach == "host";
    asker.may(operation) && !is_bound
}

#[test]
fn roles_grow_with_what_an_operation_does() {
    let mut by_role = BTreeMap::<Option<Role>, Vec<String>>::new();
    for it in operations() {
        assert!(it.role.is_some() || it.reach == "everybody", "{}", it.id);
        by_role.entry(it.role).or_default().push(format!("{} {}", it.method, it.id));
    }
    // Checking a pipeline changes nothing, though its text is sent as a body.
    let viewer = by_role[&Some(Role::Viewer)].iter().filter(|it| *it != "POST check_pipeline");
    assert_eq!(
        viewer.filter(|it| !it.starts_with("GET ") && !it.starts_with("HEAD ")).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
    assert_eq!(by_role[&None], ["GET healthz", "GET readyz", "GET oip_server_live", "GET oip_server_ready"]);
    for (role, operation) in [
        (Role::Developer, "POST deploy_revision"),
        (Role::Developer, "POST invoke_function"),
        (Role::Developer, "POST oip_infer"),
        (Role::Developer, "POST submit_run"),
        (Role::Operator, "DELETE delete_function"),
        (Role::Operator, "PUT promote_version"),
        (Role::Operator, "PUT serve_endpoint"),
        (Role::Admin, "POST create_token"),
        (Role::Admin, "GET show_config"),
    ] {
        assert!(by_role[&Some(role)].contains(&operation.to_owned()), "{operation} is not for {role}");
    }
}
