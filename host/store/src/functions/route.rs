//! Routes: which function answers which requests, and that only one does.

use std::collections::BTreeSet;

use host_core::{
    Name,
    function::Revision,
    manifest::{HttpTrigger, Trigger},
    ports::DeployError,
};

use crate::{
    StoreError,
    sql::{Tx, args},
};

/// Any method.
const ANY: &str = "*";

/// What a route matches, one method at a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Route {
    host: String,
    shape: String,
    method: String,
}

impl Route {
    /// The routes of a trigger: one per method.
    fn all(http: &HttpTrigger) -> Vec<Self> {
        let host = http.host.as_deref().unwrap_or_default().to_ascii_lowercase();
        let shape = shape(&http.path);
        let methods: BTreeSet<String> = http.methods.iter().map(|it| it.to_ascii_uppercase()).collect();
        let methods = if methods.is_empty() { BTreeSet::from([ANY.to_owned()]) } else { methods };
        methods.into_iter().map(|method| Self { host: host.clone(), shape: shape.clone(), method }).collect()
    }

    /// As people write it.
    fn name(&self) -> String {
        let method = if self.method == ANY { String::new() } else { format!("{} ", self.method) };
        format!("{method}{}{}", self.host, self.shape)
    }
}

/// The path with the names of its variables left out: `/users/{id}` and `/users/{name}` match the same requests.
fn shape(path: &str) -> String {
    let part = |part: &str| {
        let is_variable = part.starts_with('{') && part.ends_with('}');
        match part.strip_prefix("{*") {
            Some(_) if is_variable => "{*}".to_owned(),
            _ if is_variable => "{}".to_owned(),
            _ => part.to_owned(),
        }
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// Gives the revision's routes to its function, unless another function has one of them.
pub(super) async fn claim(tx: &mut Tx, revision: &Revision) -> Result<(), DeployError> {
    release(tx, &revision.project, &revision.function).await?;
    let routes: BTreeSet<Route> =
        revision.manifest.triggers.iter().filter_map(Trigger::http).flat_map(Route::all).collect();
    for route in &routes {
        if let Some(owner) = owner(tx, revision, route).await? {
            return Err(DeployError::RouteTaken { route: route.name(), owner });
        }
        let insert = "INSERT INTO route (project, function, host, shape, method) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
        let args = args![
            &revision.project,
            &revision.function,
            route.host.as_str(),
            route.shape.as_str(),
            route.method.as_str()
        ];
        tx.execute(insert, args).await?;
    }
    Ok(())
}

/// Frees the routes of a function.
pub(super) async fn release(tx: &mut Tx, project: &Name, function: &Name) -> Result<(), StoreError> {
    tx.execute("DELETE FROM route WHERE project = $1 AND function = $2", args![project, function]).await.map(drop)
}

/// The other function that answers a request of this route; one for any method meets every method.
async fn owner(tx: &mut Tx, revision: &Revision, route: &Route) -> Result<Option<Name>, StoreError> {
    let sql = "SELECT function FROM route WHERE host = $1 AND shape = $2 AND (method = $3 OR method = '*' OR $3 = '*') \
               AND NOT (project = $4 AND function = $5) ORDER BY function LIMIT 1";
    let args =
        args![route.host.as_str(), route.shape.as_str(), route.method.as_str(), &revision.project, &revision.function];
    tx.row(sql, args).await?.map(|row| row.get("function")).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_variables_do_not_tell_routes_apart() {
        assert_eq!(shape("/users/{id}/files/{*path}"), "/users/{}/files/{*}");
        assert_eq!(shape("/users/{name}"), shape("/users/{id}"));
        assert_ne!(shape("/users/{id}"), shape("/users/id"));
    }

    #[test]
    fn a_trigger_has_a_route_per_method() {
        let http = HttpTrigger {
            host: Some("Example.com".into()),
            path: "/a".into(),
            methods: vec!["get".into(), "GET".into(), "POST".into()],
            cors: None,
            auth: None,
            batch: None,
        };
        let names: Vec<_> = Route::all(&http).iter().map(Route::name).collect();
        assert_eq!(names, ["GET example.com/a", "POST example.com/a"]);
    }
}
