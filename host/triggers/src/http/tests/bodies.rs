//! How much of bodies is taken and held.

use super::*;

#[tokio::test]
async fn a_body_larger_than_the_function_takes_is_refused() {
    for entries in [HANDLER, PROXY] {
        let small = revision("default", entries, "name = \"small\"\n[limits]\nmax_body = \"4B\"");
        let host = host([small], |call, _| match call {
            // What the engine says of a body whose size nobody announced.
            Call::Http(request) if request.body().size_hint().exact().is_none() => {
                Err(Failure::invalid(code::TOO_LARGE, "it is larger than 4B"))
            }
            Call::Http(request) => Ok(Reply::Http(Response::new(request.into_body()))),
            _ => Ok(Reply::Events(vec![Ok(vec![])])),
        });
        assert!(host.post("/fn/small", &[], "four").await.status < 300);
        assert_eq!(host.post("/fn/small", &[("content-length", "5")], "fives").await.status, 413);
        assert_eq!(host.post("/fn/small", &[("content-length", "5")], "").await.status, 413);
        let unannounced = Body::new(http_body_util::StreamBody::new(Chunks(3)));
        let request = Request::builder().method("POST").uri("/fn/small").body(unannounced).unwrap();
        assert_eq!(host.ask(request).await.status, 413);
    }
}

#[tokio::test]
async fn bodies_together_take_no_more_than_the_host_holds_and_give_it_back() {
    let host = host([hello()], mirror);
    let full = host.bodies.clone();
    let big = "x".repeat(600 << 10);
    assert_eq!((host.post("/fn/hello", &[], &big).await.status, full.left()), (200, 1 << 20));
    let mut others = full.part();
    others.grow(500 << 10).unwrap();
    let refused = host.post("/fn/hello", &[], &big).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"));
    assert_eq!(refused.json()["code"], "bodies-full");
    assert_eq!(host.post("/fn/hello", &[], "small").await.status, 200);
    drop(others);
    assert_eq!((host.post("/fn/hello", &[], &big).await.status, full.left()), (200, 1 << 20));
}

#[tokio::test]
async fn a_body_counts_for_as_long_as_its_call_runs() {
    let held = Budget::new(ByteSize(1 << 20));
    let seen = Arc::new(Mutex::new(0));
    let (theirs, budget) = (seen.clone(), Arc::new(Mutex::new(None::<Arc<Budget>>)));
    let whole = budget.clone();
    let host = host([hello()], move |call, context| {
        *theirs.lock() = whole.lock().as_ref().map_or(0, |it| it.left());
        mirror(call, context)
    });
    *budget.lock() = Some(host.bodies.clone());
    host.post("/fn/hello", &[], "four").await;
    assert_eq!((*seen.lock(), host.bodies.left()), (held.left() - 4, held.left()));
}
