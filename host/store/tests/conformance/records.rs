//! Calls, totals and log lines: what is recorded, what is read back, what is dropped.

use host_core::{
    CallId, RevisionId, RunId,
    call::Usage,
    clock::Clock as _,
    event::Failure,
    function::Entry,
    page::PageRequest,
    ports::{Deployments as _, Recorder as _},
    record::{CallRecord, Level, LogLine, Stream, Tally, Verdict},
    size::ByteSize,
};
use host_store::{CallFilter, Config, LogFilter, Order, Store, TotalsFilter};
use serde_json::json;

use crate::home::{Home, map, name, project, revision};

crate::facts! {
    calls_are_read_back_as_they_were,
    calls_are_filtered_and_paged_newest_first,
    totals_are_exact,
    a_line_with_control_characters_is_cleaned_and_takes_nobody_with_it,
    a_row_the_database_refuses_never_takes_its_batch_with_it,
    lines_are_found_by_everything_they_belong_to,
    followers_see_lines_as_they_come,
    what_is_recorded_before_the_end_is_written,
    what_does_not_fit_is_dropped_and_counted,
    what_would_take_too_much_memory_is_dropped_and_counted,
    old_totals_are_added_up_and_stay_exact,
}

fn call(home: &Home, function: &str, verdict: Verdict) -> CallRecord {
    CallRecord {
        id: CallId::next(),
        project: project(),
        function: name(function),
        revision: RevisionId::next(),
        entry: Entry::Handler,
        trigger: "http".into(),
        trigger_name: "/fn/\0odd".into(),
        attempt: 2,
        events: 3,
        verdict,
        status: Some(503),
        failure: (verdict != Verdict::Ok).then(|| Failure::transient("busy", "later")),
        started_at: home.tick(),
        usage: Usage { duration_us: 5, cpu_us: 4, memory_bytes: 3, bytes_in: 2, bytes_out: 1, fresh: true },
        models: vec![],
        principal: "ann".into(),
        run: Some(RunId::next()),
    }
}

fn line(home: &Home, message: &str) -> LogLine {
    LogLine {
        at: home.tick(),
        project: project(),
        function: name("hello"),
        revision: RevisionId::next(),
        call: CallId::next(),
        run: None,
        step: None,
        stream: Stream::Stdout,
        level: Level::Info,
        message: message.into(),
        fields: map(json!({"z": 1e16, "a": "\u{0}"})),
    }
}

async fn calls_are_read_back_as_they_were(home: Home) {
    let store = home.store().await;
    let recorder = store.recorder();
    let mut record = call(&home, "hello", Verdict::Transient);
    recorder.call(record.clone());
    recorder.flush().await;
    record.trigger_name = "/fn/\u{FFFD}odd".into();
    assert_eq!(store.call(&project(), record.id).await.unwrap(), record);
    assert!(store.call(&project(), CallId::next()).await.is_err());
    assert_eq!(recorder.dropped(), 0);
}

async fn calls_are_filtered_and_paged_newest_first(home: Home) {
    let store = home.store().await;
    let mut all = Vec::new();
    for number in 0..250 {
        let verdict = if number % 10 == 0 { Verdict::Fatal } else { Verdict::Ok };
        let record = call(&home, if number % 2 == 0 { "even" } else { "odd" }, verdict);
        store.recorder().call(record.clone());
        all.push(record);
    }
    store.recorder().flush().await;
    let filter = CallFilter { function: Some(name("even")), since: Some(all[100].started_at), ..CallFilter::default() };
    let mut page = PageRequest { limit: Some(20), after: None };
    let mut found = Vec::new();
    loop {
        let next = store.calls(&project(), &filter, &page).await.unwrap();
        found.extend(next.items);
        // What comes in between pages does not move them.
        store.recorder().call(call(&home, "even", Verdict::Ok));
        store.recorder().flush().await;
        page.after = next.next;
        if page.after.is_none() {
            break;
        }
    }
    let expected: Vec<_> = all[100..].iter().filter(|it| it.function == name("even")).rev().map(|it| it.id).collect();
    assert_eq!(found.iter().map(|it| it.id).collect::<Vec<_>>(), expected);
    let fatal = CallFilter { verdict: Some(Verdict::Fatal), ..CallFilter::default() };
    assert_eq!(store.calls(&project(), &fatal, &PageRequest::default()).await.unwrap().items.len(), 25);
    let odd = PageRequest { limit: None, after: Some("nonsense".into()) };
    assert!(store.calls(&project(), &fatal, &odd).await.is_err());
}

async fn totals_are_exact(home: Home) {
    let store = home.store().await;
    let deployed = store.add(revision("name = \"hello\"", "v1")).await.unwrap();
    let start = home.clock.now();
    for round in 0..3_u64 {
        for number in 0..1_000_u64 {
            let verdict = if number < 10 { Verdict::Invalid } else { Verdict::Ok };
            let usage = Usage { duration_us: number, cpu_us: 1, bytes_in: 2, bytes_out: 3, ..Usage::default() };
            let started_at = start + jiff::SignedDuration::from_secs((number / 500) as i64);
            store.recorder().tally(Tally { revision: deployed.id, verdict, events: 2, started_at, usage });
        }
        store.recorder().flush().await;
        let filter = TotalsFilter { function: Some(name("hello")), since: start, until: None, every_s: 1 };
        let totals = store.totals(&project(), &filter).await.unwrap();
        let rounds = round + 1;
        let first = &totals[0];
        assert_eq!(totals.len(), 2);
        assert_eq!(
            (first.calls, first.events, first.failures, first.longest_us),
            (500 * rounds, 1_000 * rounds, 10 * rounds, 499)
        );
        assert_eq!((first.duration_us, first.cpu_us), (124_750 * rounds, 500 * rounds));
        assert_eq!((first.bytes_in, first.bytes_out), (1_000 * rounds, 1_500 * rounds));
    }
    let minute = TotalsFilter { function: None, since: start, until: None, every_s: 60 };
    let totals = store.totals(&project(), &minute).await.unwrap();
    assert_eq!((totals.len(), totals[0].calls, totals[0].second % 60), (1, 3_000, 0));
}

async fn a_line_with_control_characters_is_cleaned_and_takes_nobody_with_it(home: Home) {
    let store = home.store().await;
    for message in ["before", "nul \0 and \u{1b}[31mred", "after"] {
        store.recorder().log(line(&home, message));
    }
    store.recorder().flush().await;
    let lines =
        store.logs(&project(), &LogFilter::default(), Order::OldestFirst, &PageRequest::default()).await.unwrap();
    let messages: Vec<_> = lines.items.iter().map(|it| it.line.message.as_str()).collect();
    assert_eq!(messages, ["before", "nul \u{FFFD} and \u{FFFD}[31mred", "after"]);
    assert_eq!(serde_json::to_string(&lines.items[0].line.fields).unwrap(), "{\"z\":1e+16,\"a\":\"\u{FFFD}\"}");
    assert_eq!(store.recorder().dropped(), 0);
}

async fn a_row_the_database_refuses_never_takes_its_batch_with_it(home: Home) {
    let store = home.store().await;
    let refuse = if home.is_postgres() {
        "ALTER TABLE log_line ADD CONSTRAINT refuse CHECK (message <> 'bad')"
    } else {
        "CREATE TRIGGER refuse BEFORE INSERT ON log_line WHEN NEW.message = 'bad' BEGIN SELECT RAISE(ABORT, 'refused'); END"
    };
    home.run_sql(refuse).await;
    for message in ["before", "bad", "after"] {
        store.recorder().log(line(&home, message));
    }
    store.recorder().flush().await;
    let lines =
        store.logs(&project(), &LogFilter::default(), Order::OldestFirst, &PageRequest::default()).await.unwrap();
    let messages: Vec<_> = lines.items.iter().map(|it| it.line.message.as_str()).collect();
    assert_eq!((messages, store.recorder().dropped()), (vec!["before", "after"], 1));
}

async fn lines_are_found_by_everything_they_belong_to(home: Home) {
    let store = home.store().await;
    let run = RunId::next();
    let mut wanted = line(&home, "wanted");
    (wanted.run, wanted.step, wanted.level) = (Some(run), Some("train#3".into()), Level::Warn);
    for number in 0..30 {
        store.recorder().log(line(&home, &format!("{number}")));
    }
    store.recorder().log(wanted.clone());
    store.recorder().flush().await;
    let filters = [
        LogFilter { run: Some(run), ..LogFilter::default() },
        LogFilter { call: Some(wanted.call), ..LogFilter::default() },
        LogFilter { step: Some("train#3".into()), ..LogFilter::default() },
        LogFilter { level: Some(Level::Warn), function: Some(name("hello")), ..LogFilter::default() },
    ];
    for filter in filters {
        let found = store.logs(&project(), &filter, Order::OldestFirst, &PageRequest::default()).await.unwrap();
        let messages: Vec<_> = found.items.iter().map(|it| it.line.message.as_str()).collect();
        assert_eq!(messages, ["wanted"], "{filter:?}");
        assert!(filter.accepts(&found.items[0].line));
    }
    let last = PageRequest { limit: Some(2), after: None };
    let newest = store.logs(&project(), &LogFilter::default(), Order::NewestFirst, &last).await.unwrap();
    assert_eq!(newest.items.iter().map(|it| it.line.message.as_str()).collect::<Vec<_>>(), ["wanted", "29"]);
    let after = PageRequest { limit: Some(5), after: Some(newest.items[1].id.clone()) };
    let rest = store.logs(&project(), &LogFilter::default(), Order::OldestFirst, &after).await.unwrap();
    assert_eq!((rest.items.len(), rest.next), (1, None));
}

async fn followers_see_lines_as_they_come(home: Home) {
    let store = home.store().await;
    let mut follower = store.follow_logs();
    store.recorder().log(line(&home, "hello\r"));
    let seen = follower.recv().await.unwrap();
    assert_eq!(seen.line.message, "hello\u{FFFD}");
    store.recorder().flush().await;
    let stored =
        store.logs(&project(), &LogFilter::default(), Order::OldestFirst, &PageRequest::default()).await.unwrap();
    assert_eq!(stored.items[0].id, seen.id, "so that reading can go on where following stopped");
}

async fn what_is_recorded_before_the_end_is_written(home: Home) {
    let store = home.store().await;
    let record = call(&home, "hello", Verdict::Ok);
    store.recorder().call(record.clone());
    store.recorder().log(line(&home, "last words"));
    store.close().await;
    let store = home.store().await;
    assert_eq!(store.call(&project(), record.id).await.unwrap().id, record.id);
    let lines =
        store.logs(&project(), &LogFilter::default(), Order::OldestFirst, &PageRequest::default()).await.unwrap();
    assert_eq!(lines.items.len(), 1);
}

async fn what_does_not_fit_is_dropped_and_counted(home: Home) {
    let config = Config { record_queue: 10, ..home.config.clone() };
    let store = Store::open(&config, std::sync::Arc::new(home.clock.clone())).await.unwrap();
    for _ in 0..25 {
        store.recorder().log(line(&home, "flood"));
    }
    // One thread: the writer had no turn yet.
    assert_eq!(store.recorder().dropped(), 15);
    store.recorder().call(call(&home, "hello", Verdict::Ok));
    store.recorder().flush().await;
    assert_eq!(store.recorder().dropped(), 15, "a flood of lines costs no call its record");
}

async fn what_would_take_too_much_memory_is_dropped_and_counted(home: Home) {
    let config = Config { record_memory: ByteSize(100 << 10), ..home.config.clone() };
    let store = Store::open(&config, std::sync::Arc::new(home.clock.clone())).await.unwrap();
    for _ in 0..10 {
        store.recorder().log(line(&home, &"x".repeat(30 << 10)));
    }
    // One thread: the writer had no turn yet.
    assert_eq!(store.recorder().dropped(), 7, "three of these fit");
    let mut failed = call(&home, "hello", Verdict::Fatal);
    failed.failure.as_mut().unwrap().message = "y".repeat(90 << 10);
    for _ in 0..2 {
        store.recorder().call(CallRecord { id: CallId::next(), ..failed.clone() });
    }
    assert_eq!(store.recorder().dropped(), 8, "a flood of lines costs no call its record");
    store.recorder().flush().await;
    store.recorder().log(line(&home, &"x".repeat(30 << 10)));
    store.recorder().flush().await;
    assert_eq!(store.recorder().dropped(), 8, "what was written makes room");
    let lines =
        store.logs(&project(), &LogFilter::default(), Order::OldestFirst, &PageRequest::default()).await.unwrap();
    assert_eq!(lines.items.len(), 4);
}

async fn old_totals_are_added_up_and_stay_exact(home: Home) {
    let store = home.store().await;
    let deployed = store.add(revision("name = \"hello\"", "v1")).await.unwrap();
    // Postgres ages by its own clock.
    let now = if home.is_postgres() { jiff::Timestamp::from_second(unix_now()).unwrap() } else { home.clock.now() };
    let ago = |hours: i64| now - jiff::SignedDuration::from_hours(hours);
    let starts = [ago(31 * 24 + 2), ago(30), ago(2)];
    for start in starts {
        let hour = start.as_second() - start.as_second().rem_euclid(3_600);
        for number in 0..1_500_i64 {
            let verdict = if number % 3 == 0 { Verdict::Invalid } else { Verdict::Ok };
            let usage = Usage { duration_us: number as u64, cpu_us: 1, bytes_in: 2, bytes_out: 3, ..Usage::default() };
            let started_at = jiff::Timestamp::from_second(hour + number).unwrap();
            store.recorder().tally(Tally { revision: deployed.id, verdict, events: 2, started_at, usage });
        }
    }
    store.recorder().flush().await;
    let all = |every_s| TotalsFilter { function: None, since: ago(40 * 24), until: None, every_s };
    let by_hour = store.totals(&project(), &all(3_600)).await.unwrap();
    assert_eq!(store.totals(&project(), &all(1)).await.unwrap().len(), 4_500);

    let aged = store.age().await.unwrap();
    // Where a span begins, its total is in place already.
    assert_eq!((aged.forgotten, aged.added_up), (0, 1_499 + 1_500 - 25));
    assert_eq!(
        store.totals(&project(), &all(3_600)).await.unwrap(),
        by_hour,
        "nothing was lost and nothing counted twice"
    );
    let rows = store.totals(&project(), &all(1)).await.unwrap();
    assert_eq!(rows.len(), 1 + 25 + 1_500, "an hour, minutes, seconds");
    assert_eq!((rows[0].calls, rows[0].failures, rows[0].longest_us), (1_500, 500, 1_499));
    assert_eq!(store.age().await.unwrap(), host_store::Aged::default(), "there is nothing left to do");
}

#[expect(clippy::disallowed_methods, reason = "what the database's own clock says, within a second")]
fn unix_now() -> i64 {
    jiff::Timestamp::now().as_second()
}
