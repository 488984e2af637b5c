//! Who may call a function by which of its routes.

use std::{collections::HashMap, net::SocketAddr};

use axum::extract::ConnectInfo;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use host_core::{
    Name,
    identity::{Access, Demand, Principal, Role, Way},
    ports::{NewSecret, Secret, SecretError, SecretValue, Secrets, TokenRefusal, Tokens},
};

use super::{super::Guard, *};

/// Tokens by their text; how often anybody asked.
struct Known(HashMap<&'static str, Principal>, Mutex<u32>);

#[async_trait]
impl Tokens for Known {
    async fn verify(&self, text: &str) -> Result<Principal, TokenRefusal> {
        *self.1.lock() += 1;
        self.0.get(text).cloned().ok_or(TokenRefusal::Unknown)
    }
}

/// The secret `users` and no other.
struct Users;

#[async_trait]
impl Secrets for Users {
    async fn value(&self, _: &Name, name: &Name) -> Result<SecretValue, SecretError> {
        match name.as_str() {
            "users" => SecretValue::parse("ann:secret\nbob:other".to_owned()),
            _ => Err(SecretError::NotSet(name.clone())),
        }
    }

    async fn describe(&self, _: &Name, name: &Name) -> Result<Secret, SecretError> {
        Err(SecretError::NotSet(name.clone()))
    }

    async fn list(&self, _: &Name) -> Result<Vec<Secret>, SecretError> {
        Ok(Vec::new())
    }

    async fn set(&self, new: NewSecret) -> Result<Secret, SecretError> {
        Err(SecretError::NotSet(new.name))
    }

    async fn rotate(&self, new: NewSecret) -> Result<Secret, SecretError> {
        Err(SecretError::NotSet(new.name))
    }

    async fn delete(&self, _: &Name, name: &Name, _: &str) -> Result<(), SecretError> {
        Err(SecretError::NotSet(name.clone()))
    }

    async fn rekey(&self, _: &str) -> Result<u64, SecretError> {
        Ok(0)
    }
}

fn principal(name: &str, role: Role, project: Option<&str>) -> Principal {
    let project = project.map(|it| it.parse().unwrap());
    Principal { name: name.into(), role, project, ..Principal::local() }
}

/// A proxy function that says who called it and with which authorization, with a route of every kind.
fn guarded(access: Access) -> (Arc<Http>, Arc<Known>) {
    let routes = [("open", ""), ("public", "auth = \"public\""), ("token", "auth = \"token\"")];
    let routes = routes.into_iter().chain([
        ("basic", "auth = { basic = \"users\" }"),
        ("lost", "auth = { basic = \"nobody\" }"),
        ("cors", "auth = \"token\"\ncors = { origins = [\"https://page.example\"], headers = [\"authorization\"] }"),
    ]);
    let triggers = routes.map(|(path, auth)| format!("[[triggers]]\nkind = \"http\"\npath = \"/{path}\"\n{auth}\n"));
    let manifest = format!("name = \"hello\"\n{}", triggers.collect::<String>());
    let revision = revision("default", PROXY, &manifest);
    let active = HashMap::from([((revision.project.clone(), revision.function.clone()), Arc::new(revision))]);
    let act = |call: Call, context: &CallContext| {
        let Call::Http(request) = call else { return Err(Failure::fatal("x", "no request")) };
        let shown = request.headers().get(header::AUTHORIZATION).map_or("nothing", |it| it.to_str().unwrap());
        let text = format!("{} with {shown}", context.principal);
        Ok(Reply::Http(Response::new(body::full(text))))
    };
    let functions = Mutex::new(Arc::new(Functions { generation: 1, active }));
    let neighbours = Arc::new(Neighbours { functions, act: Box::new(act), targets: Mutex::default() });
    let tokens = HashMap::from([
        ("weft_dev", principal("dev", Role::Developer, None)),
        ("weft_viewer", principal("viewer", Role::Viewer, None)),
        ("weft_other", principal("other", Role::Admin, Some("other"))),
    ]);
    let tokens = Arc::new(Known(tokens, Mutex::default()));
    let guard = Guard::new(access, tokens.clone(), Arc::new(Users));
    let clock = Arc::new(ManualClock::at("2025-01-02T03:04:05Z".parse().unwrap()));
    let bodies = Budget::new(ByteSize(1 << 20));
    let http = Http::new(Config::default(), neighbours.clone(), neighbours, bodies, clock, guard);
    (http, tokens)
}

const STRICT: Access = Access { demand: Demand::Tokens, way: Way::Direct };

async fn ask(http: &Http, path: &str, authorization: &str) -> (u16, String, ::http::HeaderMap) {
    let headers = [("authorization", authorization)];
    let headers: &[_] = if authorization.is_empty() { &[] } else { &headers };
    let mut request = request("GET", path, headers, "");
    let address: SocketAddr = "10.0.0.1:4711".parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(address));
    let (head, body) = http.answer(request).await.into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    (head.status.as_u16(), text, head.headers)
}

fn password(user_and_password: &str) -> String {
    format!("Basic {}", STANDARD.encode(user_and_password))
}

#[tokio::test]
async fn a_route_is_for_anybody_unless_its_manifest_says_otherwise() {
    let (http, tokens) = guarded(STRICT);
    for path in ["/open", "/public"] {
        assert_eq!(ask(&http, path, "").await.1, " with nothing");
        assert_eq!(ask(&http, path, "Bearer of-its-own").await.1, " with Bearer of-its-own");
        assert_eq!(ask(&http, path, "Bearer weft_dev").await.1, " with nothing", "the host's tokens stay with it");
    }
    assert_eq!(*tokens.1.lock(), 0, "a public route asks nobody");
}

#[tokio::test]
async fn a_token_opens_what_asks_for_one_and_goes_no_further() {
    let (http, _) = guarded(STRICT);
    for path in ["/token", "/fn/hello", "/fn/default:hello"] {
        let (status, text, headers) = ask(&http, path, "").await;
        assert_eq!(status, 401, "{path}: {text}");
        assert_eq!(headers["www-authenticate"], "Bearer realm=\"weft\"");
        assert_eq!(headers["content-type"], "application/problem+json");
        assert_eq!(ask(&http, path, "Bearer weft_dev").await.1, "dev with nothing");
        let (status, text, headers) = ask(&http, path, "Bearer weft_wrong").await;
        assert_eq!((status, text.contains("weft_wrong")), (401, false));
        assert!(headers["www-authenticate"].to_str().unwrap().contains("invalid_token"));
        let (status, text, _) = ask(&http, path, "Bearer weft_viewer").await;
        assert!(status == 403 && text.contains("needs the role developer"), "{status} {text}");
        assert_eq!(ask(&http, path, "Bearer weft_other").await.0, 403);
        assert_eq!(ask(&http, path, &password("ann:secret")).await.0, 401);
    }
}

#[tokio::test]
async fn by_name_a_function_is_open_only_where_the_host_demands_nothing() {
    let (http, _) = guarded(Access::default());
    assert_eq!(ask(&http, "/fn/hello", "").await.1, " with nothing");
    assert_eq!(ask(&http, "/token", "").await.0, 401, "what the manifest says holds everywhere");
    let unguarded = host(
        [revision("default", HANDLER, "name = \"x\"\n[[triggers]]\nkind = \"http\"\npath = \"/x\"\nauth = \"token\"")],
        mirror,
    );
    assert_eq!(ask(&unguarded.http, "/x", "Bearer weft_dev").await.0, 401, "a host without tokens lets nobody in");
}

#[tokio::test]
async fn a_password_opens_what_names_its_secret() {
    let (http, _) = guarded(STRICT);
    let (status, _, headers) = ask(&http, "/basic", "").await;
    assert_eq!((status, &headers["www-authenticate"].to_str().unwrap()[..21]), (401, "Basic realm=\"hello\", "));
    assert_eq!(ask(&http, "/basic", &password("bob:other")).await.1, "bob with nothing");
    for wrong in ["bob:secret", "bob:", "bob", ":"] {
        assert_eq!(ask(&http, "/basic", &password(wrong)).await.0, 401, "{wrong}");
    }
    assert_eq!(ask(&http, "/basic", "Basic ???").await.0, 401);
    let (status, text, _) = ask(&http, "/lost", &password("ann:secret")).await;
    assert!(status == 503 && !text.contains("nobody"), "{status} {text}");
}

#[tokio::test]
async fn an_address_that_guesses_passwords_has_to_wait() {
    let (http, _) = guarded(STRICT);
    for _ in 0..20 {
        assert_eq!(ask(&http, "/basic", &password("ann:guess")).await.0, 401);
    }
    let (status, _, headers) = ask(&http, "/basic", &password("ann:secret")).await;
    assert_eq!((status, headers.contains_key("retry-after")), (429, true));
    assert_eq!(ask(&http, "/public", "").await.0, 200);
}

#[tokio::test]
async fn a_page_may_ask_whether_it_may_ask_and_read_why_not() {
    let (http, _) = guarded(STRICT);
    let origin = ("origin", "https://page.example");
    let preflight = request("OPTIONS", "/cors", &[origin, ("access-control-request-method", "GET")], "");
    assert_eq!(http.answer(preflight).await.status(), 204);
    let refused = http.answer(request("GET", "/cors", &[origin], "")).await;
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.headers()["access-control-allow-origin"], "https://page.example");
}
