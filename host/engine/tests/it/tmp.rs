//! tmp
use crate::support::*;
#[tokio::test]
async fn show() {
    let host = Host::new();
    let handler = host.handler("timeout = \"100ms\"").await;
    for k in ["trap", "spin"] {
    let (o, e) = host.events(&handler, &[(k, "because")]).await;
    println!("{:#?}\n{}\n{e:?}", o[0].as_ref().unwrap_err().message, o[0].as_ref().unwrap_err().backtrace.clone().unwrap());
    }
    println!("{:?} {:?}", host.engine.warnings(), host_engine::Engine::platform());
    for _ in 0..3 {
    let t = std::time::Instant::now();
    for _ in 0..10000 { host.events(&handler, &[("upper", "a")]).await; }
    println!("warm {:?}", t.elapsed() / 10000);
    }
}
