//! Which instance a call gets: warm ones, fresh ones, and none when there is no room.

use std::sync::Arc;

use host_core::{
    call::{Call, Reply},
    event::code,
    function::Revision,
    ports::Invoke,
    size::Millis,
};
use host_engine::Config;

use crate::support::{Host, config, context, events, failed, finished, told};

async fn count(host: &Host, revision: &Arc<Revision>) -> String {
    host.ask(revision, "count", "").await
}

#[tokio::test]
async fn a_warm_instance_serves_call_after_call_until_it_is_worn() {
    let host = Host::with(Config { warm_uses: 3, ..config() }, None);
    let handler = host.handler("").await;
    let mut counts = Vec::new();
    for _ in 0..5 {
        let (outcomes, end) = host.events(&handler, &[("count", "")]).await;
        counts.push((told(&outcomes).remove(0), end.usage.fresh));
    }
    let told: Vec<_> = counts.iter().map(|(count, fresh)| (count.as_str(), *fresh)).collect();
    assert_eq!(told, [("ok 1", true), ("ok 2", false), ("ok 3", false), ("ok 1", true), ("ok 2", false)]);
}

#[tokio::test]
async fn isolation_gives_every_call_an_instance_of_its_own() {
    let host = Host::new();
    let handler = host.handler("isolation = \"fresh\"").await;
    for _ in 0..3 {
        assert_eq!(count(&host, &handler).await, "1");
    }
}

#[tokio::test]
async fn an_instance_that_went_wrong_is_never_used_again() {
    let host = Host::new();
    let handler = host.handler("timeout = \"100ms\"\nmemory = \"16MiB\"").await;
    for poison in ["trap", "spin", "sleep", "grow"] {
        count(&host, &handler).await;
        let (outcomes, _) = host.events(&handler, &[(poison, if poison == "sleep" { "60000" } else { "" })]).await;
        assert!(outcomes[0].is_err(), "{poison}");
        assert_eq!(count(&host, &handler).await, "1", "after {poison}");
    }
}

#[tokio::test]
async fn calls_beyond_the_concurrency_of_a_function_are_turned_away() {
    let host = Host::new();
    let handler = host.handler("concurrency = 1").await;
    let send = |kind| host.call(&handler, Call::Events(events(&[(kind, "20")])));
    // The first is polled first, and is inside before the second comes.
    let (first, second) = tokio::join!(send("sleep"), send("upper"));
    assert!(first.reply.is_ok());
    let failure = second.reply.err().unwrap();
    assert_eq!((failure.code.as_str(), failure.retry_after_ms), (code::OVERLOADED, Some(1000)));
    assert!(send("upper").await.reply.is_ok(), "there is room again");
}

#[tokio::test]
async fn functions_share_the_slots_and_give_up_idle_ones() {
    let host = Host::with(Config { slots: 1, ..config() }, None);
    let (one, other) = (host.handler("").await, host.handler("").await);
    for _ in 0..3 {
        assert_eq!(count(&host, &one).await, "1", "the other took the slot in between");
        assert_eq!(count(&host, &other).await, "1");
    }
    let busy = host.call(&one, Call::Events(events(&[("sleep", "20")])));
    let (busy, turned_away) = tokio::join!(busy, host.call(&other, Call::Events(events(&[("upper", "a")]))));
    assert!(busy.reply.is_ok());
    assert_eq!(failed(turned_away), code::OVERLOADED);
}

#[tokio::test]
async fn a_retired_revision_keeps_nothing_warm_and_can_come_back() {
    let host = Host::new();
    let handler = host.handler("").await;
    assert_eq!(count(&host, &handler).await, "1");
    host.engine.retire(handler.id);
    assert_eq!(count(&host, &handler).await, "1", "a late call still finds its code");
    assert_eq!(count(&host, &handler).await, "2");
}

#[tokio::test]
async fn idle_instances_grow_old() {
    let host = Host::with(Config { warm_idle: Millis(0), tick: Millis(1), ..config() }, None);
    let handler = host.handler("").await;
    // The ticker sweeps once a second, so an instance is seen to be gone after a while, whenever that is.
    let mut counts = Vec::new();
    for _ in 0..2000 {
        counts.push(count(&host, &handler).await);
        host.ask(&handler, "sleep", "1").await;
        if counts.iter().filter(|it| *it == "1").count() > 1 {
            return;
        }
    }
    panic!("no instance was ever dropped");
}

#[tokio::test]
async fn a_revision_that_is_not_loaded_is_loaded_and_one_without_code_is_made_behind() {
    let folder = tempfile::TempDir::new().unwrap();
    let host = Host::with(Config { loaded: 1, cache: folder.path().into(), ..config() }, None);
    let (one, other) = (host.handler("").await, host.http("").await);
    assert_eq!(count(&host, &one).await, "1");
    assert_eq!(host.engine.compiled(), 2);
    drop(other);
    host.engine.retire(one.id);
    std::fs::remove_dir_all(folder.path()).unwrap();
    let call = async || {
        let called = host.engine.call(one.clone(), context(), Call::Events(events(&[("count", "")]))).await;
        match called.reply {
            Ok(Reply::Events(outcomes)) => told(&outcomes).remove(0),
            Ok(_) => "something else".into(),
            Err(failure) => failure.code,
        }
    };
    assert_eq!(call().await, code::UNAVAILABLE, "nothing is compiled on the way of a call");
    while call().await == code::UNAVAILABLE {
        tokio::task::yield_now().await;
    }
    assert_eq!(host.engine.compiled(), 3, "it was compiled once, however often it was asked for");
}

#[tokio::test]
async fn many_calls_at_once_all_come_back() {
    let host = Host::with(Config { slots: 64, warm: 4, ..config() }, None);
    let handler = host.handler("").await;
    let calls = (0..64).map(|index| {
        let (engine, handler) = (host.engine.clone(), handler.clone());
        tokio::spawn(async move {
            let kind = if index % 8 == 0 { "trap" } else { "upper" };
            let called = engine.call(handler, context(), Call::Events(events(&[(kind, "a")]))).await;
            let Ok(Reply::Events(outcomes)) = called.reply else { panic!() };
            finished(called.end).await;
            outcomes[0].is_ok()
        })
    });
    let mut well = 0;
    for call in calls.collect::<Vec<_>>() {
        well += u32::from(call.await.unwrap());
    }
    assert_eq!(well, 56);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_events_of_a_batch_that_broke_wait_for_room_however_crowded_it_is() {
    let host = Host::with(Config { slots: 1, ..config() }, None);
    let (crowded, crowding) = (host.handler("").await, host.handler("").await);
    let crowd: Vec<_> = (0..4)
        .map(|_| {
            let (engine, crowding) = (host.engine.clone(), crowding.clone());
            tokio::spawn(async move {
                loop {
                    engine.call(crowding.clone(), context(), Call::Events(events(&[("upper", "a")]))).await;
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let batch: Vec<_> = (0..20).map(|number| if number == 7 { ("trap", "x") } else { ("upper", "a") }).collect();
    let outcomes = loop {
        let called = host.call(&crowded, Call::Events(events(&batch))).await;
        match called.reply {
            Ok(Reply::Events(outcomes)) => break outcomes,
            // The whole batch had no room: whoever sent it comes back.
            Err(failure) => assert_eq!(failure.code, code::OVERLOADED),
            Ok(_) => panic!(),
        }
        tokio::task::yield_now().await;
    };
    crowd.iter().for_each(tokio::task::JoinHandle::abort);
    let expected: Vec<_> = (0..20).map(|number| if number == 7 { code::TRAP } else { "ok A" }).collect();
    assert_eq!(told(&outcomes), expected);
}
