//! Which function a request is for: by name, by route, by origin.

use super::*;

#[tokio::test]
async fn a_function_is_named_alone_or_with_its_project() {
    let host = host([hello(), revision("staging", HANDLER, "name = \"hello\"")], mirror);
    for uri in ["/fn/hello", "/fn/default:hello/", "/fn/staging:hello"] {
        assert_eq!(host.get(uri).await.json()["extensions"]["httppath"], "/", "{uri}");
    }
    assert_eq!(*host.neighbours.targets.lock(), ["default:hello@3", "default:hello@3", "staging:hello@3"]);
    for uri in ["/fn/other", "/fn/", "/fn/hello@3", "/nothing", "/fn/staging:other"] {
        let answer = host.get(uri).await;
        assert_eq!(
            (answer.status, answer.json()["type"].as_str().unwrap()),
            (404, "urn:weft:problem:not-found"),
            "{uri}"
        );
    }
}

#[tokio::test]
async fn routes_answer_by_host_then_path_then_method() {
    let route = |name: &str, trigger: &str| {
        revision("default", HANDLER, &format!("name = \"{name}\"\n[[triggers]]\nkind = \"http\"\n{trigger}"))
    };
    let host = host(
        [
            route("any", "path = \"/wines/{id}\"\nmethods = [\"GET\"]"),
            route("writes", "path = \"/wines/{wine}\"\nmethods = [\"PUT\"]"),
            route("shop", "path = \"/wines/{id}\"\nhost = \"shop.example\""),
            route("rest", "path = \"/files/{*rest}\""),
        ],
        mirror,
    );
    host.get("/wines/7").await;
    host.ask(request("HEAD", "/wines/7", &[], "")).await;
    host.ask(request("PUT", "/wines/7", &[], "")).await;
    host.ask(request("DELETE", "/wines/7", &[("host", "Shop.example:80")], "")).await;
    let whole = host.get("/files/a/b").await;
    assert_eq!(whole.json()["extensions"]["httppath"], "/files/a/b");
    let asked: Vec<_> = host.neighbours.targets.lock().clone();
    assert_eq!(asked, ["default:any@3", "default:any@3", "default:writes@3", "default:shop@3", "default:rest@3"]);
    let refused = host.ask(request("DELETE", "/wines/7", &[], "")).await;
    assert_eq!((refused.status, refused.header("allow")), (405, "GET, HEAD, PUT"));
}

#[tokio::test]
async fn a_route_follows_what_is_deployed() {
    let host = host([hello()], mirror);
    assert_eq!(host.get("/fn/late").await.status, 404);
    let late = Arc::new(revision("default", HANDLER, "name = \"late\""));
    let active = [((late.project.clone(), late.function.clone()), late)].into();
    *host.neighbours.functions.lock() = Arc::new(Functions { generation: 2, active });
    assert_eq!(host.get("/fn/late").await.status, 200);
    assert_eq!(host.get("/fn/hello").await.status, 404);
}

#[tokio::test]
async fn a_function_that_speaks_http_sees_its_own_part_of_the_path() {
    let proxy = revision("default", PROXY, "name = \"web\"\n[[triggers]]\nkind = \"http\"\npath = \"/shop/{*rest}\"");
    let host = host([proxy], |call, _| {
        let Call::Http(request) = call else { return Err(Failure::fatal("x", "http wins over the handler")) };
        let seen = format!("{} {}", request.method(), request.uri());
        Ok(Reply::Http(Response::builder().status(418).header("x-own", "1").body(body::full(seen)).unwrap()))
    });
    for (asked, seen) in [
        ("/fn/web", "PUT /"),
        ("/fn/web/", "PUT /"),
        ("/fn/web?a=b", "PUT /?a=b"),
        ("/fn/web/x/y%20z?a=b", "PUT /x/y%20z?a=b"),
        ("/shop/x?a=b", "PUT /shop/x?a=b"),
    ] {
        let answer = host.ask(request("PUT", asked, &[], "")).await;
        assert_eq!((answer.status, answer.header("x-own"), &answer.body[..]), (418, "1", seen.as_bytes()));
    }
}

#[tokio::test]
async fn pages_of_other_origins_may_call_where_the_manifest_says() {
    let shop = "name = \"shop\"\n[[triggers]]\nkind = \"http\"\npath = \"/shop\"\nmethods = [\"POST\"]\n\
        cors = { origins = [\"https://a.example\"], headers = [\"content-type\"], max_age_s = 60 }";
    let host = host([revision("default", HANDLER, shop)], mirror);
    let preflight = |origin, method| {
        request("OPTIONS", "/shop", &[("origin", origin), ("access-control-request-method", method)], "")
    };
    let allowed = host.ask(preflight("https://a.example", "POST")).await;
    assert_eq!(allowed.status, 204);
    let told = ["origin", "methods", "headers"].map(|it| allowed.header(&format!("access-control-allow-{it}")));
    assert_eq!(told, ["https://a.example", "POST", "content-type"]);
    assert_eq!(allowed.header("access-control-max-age"), "60");
    assert_eq!(host.ask(preflight("https://b.example", "POST")).await.status, 403);
    assert_eq!(host.ask(preflight("https://a.example", "DELETE")).await.status, 405);

    let called = host.post("/shop", &[("origin", "https://a.example")], "").await;
    assert_eq!(called.header("access-control-allow-origin"), "https://a.example");
    let other = host.post("/shop", &[("origin", "https://b.example")], "").await;
    assert_eq!((other.status, other.header("access-control-allow-origin")), (200, ""));
}

#[tokio::test]
async fn the_router_gives_every_path_to_the_trigger() {
    use tower::ServiceExt;
    let host = host([hello()], mirror);
    let response = host.http.router().oneshot(request("GET", "/fn/hello", &[], "")).await.unwrap();
    assert_eq!(response.status(), 200);
}
