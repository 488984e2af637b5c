//! Keyed state in memory and in Redis: the facts that hold for every backend.

use std::sync::Arc;

use host_capabilities::keyvalue::{Bounded, MemoryState, Quota, RedisState};
use host_core::{
    ports::KeyValue,
    size::{ByteSize, Millis},
};

use crate::suite::Subject;

mod memory {
    crate::suite::every_fact!(super::in_memory);
}

mod redis {
    crate::suite::every_fact!(super::in_redis);
}

async fn in_memory<F: Future<Output = ()>>(_: &str, fact: impl FnOnce(Subject) -> F) {
    let state: Arc<dyn KeyValue> = Arc::new(MemoryState::new(ByteSize(64 << 20)));
    let bounded = Arc::new(Bounded::new(Arc::new(Quota::new(state.clone(), ByteSize(64 << 20)))));
    fact(Subject::new([state, bounded], "test")).await;
}

/// In projects that nobody else uses, which are empty again afterwards.
#[expect(clippy::print_stderr, reason = "whoever runs the tests learns what was left out")]
async fn in_redis<F: Future<Output = ()>>(_: &str, fact: impl FnOnce(Subject) -> F) {
    let Ok(address) = std::env::var("WEFT_TEST_REDIS") else {
        eprintln!("not tried on Redis: `cargo xtask test` does, or set WEFT_TEST_REDIS");
        return;
    };
    let open = || -> Arc<dyn KeyValue> { Arc::new(RedisState::new(&address, None, Millis(20_000)).unwrap()) };
    let project = format!("test-{}", host_core::CallId::next());
    let subject = Subject::new([open(), open()], &project);
    let (state, bucket) = (subject.hosts[0].clone(), subject.bucket.clone());
    fact(subject).await;
    let keys = state.keys(&bucket, None, 5_000).await.unwrap().keys;
    if !keys.is_empty() {
        state.delete(&bucket, &keys).await.unwrap();
    }
}
