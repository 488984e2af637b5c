//! Answers of a server that is played here, and what is made of them.

use std::cell::RefCell;

use weft::http::{FetchError, Fetched};

use super::*;

type Answer = Result<Fetched, FetchError>;

fn answer(status: u16, headers: &[(&str, &str)]) -> Answer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
    Ok(Fetched { status, headers, body: b"x,y\n1,2\n".to_vec() })
}

/// What was asked, how long was waited, and what came of it.
fn play(answers: Vec<Answer>, headers: &[(&str, &str)]) -> (Vec<String>, Vec<u64>, Result<Got, String>) {
    let fetch = Fetch {
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        attempts: 3,
        backoff: Duration::from_millis(100),
        longest_wait: Duration::from_secs(2),
        redirects: 2,
    };
    let (asked, waited) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    let mut answers = answers.into_iter();
    let send = |url: &Url, headers: &[(String, String)]| {
        let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        asked.borrow_mut().push(format!("{url} {}", names.join(",")));
        answers.next().expect("no more answers")
    };
    let sleep = |wait: Duration| waited.borrow_mut().push(wait.as_millis() as u64);
    let got = fetch.get(&"https://a.example/data".parse().unwrap(), send, sleep);
    (asked.into_inner(), waited.into_inner(), got.map_err(|it| it.to_string()))
}

#[test]
fn what_may_work_later_is_tried_again_and_no_longer_waited_for_than_allowed() {
    let (asked, waited, got) = play(
        vec![Err(FetchError::Failed("reset".into())), answer(503, &[("retry-after", "1")]), answer(200, &[])],
        &[],
    );
    assert_eq!((asked.len(), waited), (3, vec![100, 1000]));
    let got = got.unwrap();
    assert_eq!((got.attempts, got.redirects, got.answer.status), (3, 0, 200));
    let (_, waited, got) = play(vec![answer(429, &[("retry-after", "3600")]), answer(500, &[]), answer(502, &[])], &[]);
    assert_eq!(waited, [2000, 200]);
    assert!(got.unwrap_err().contains("it answered 502"));
}

#[test]
fn what_will_not_work_later_is_asked_once() {
    for (answer, says) in [
        (answer(404, &[]), "it answered 404"),
        (answer(501, &[]), "it answered 501"),
        (Err(FetchError::Denied("https://a.example".into())), "not-granted"),
        (Err(FetchError::TooLarge(9)), "too-large"),
        (Err(FetchError::Invalid("no host".into())), "bad-url"),
        (answer(302, &[]), "without a location"),
        (answer(302, &[("location", "http://a.example/")]), "from https to http"),
    ] {
        let (asked, _, got) = play(vec![answer], &[]);
        let failure = got.unwrap_err();
        assert_eq!(asked.len(), 1, "{failure}");
        assert!(failure.contains(says), "{failure}");
    }
}

#[test]
fn redirects_are_followed_as_far_as_allowed_and_credentials_stay_behind() {
    let headers = [("Authorization", "Bearer x"), ("accept", "text/csv"), ("x-key", "{{weft-secret:key}}")];
    let to = |location: &str| answer(302, &[("location", location)]);
    let (asked, _, got) = play(vec![to("/next"), to("https://b.example/c"), answer(200, &[])], &headers);
    assert_eq!(
        asked,
        [
            "https://a.example/data Authorization,accept,x-key",
            "https://a.example/next Authorization,accept,x-key",
            "https://b.example/c accept"
        ]
    );
    assert_eq!(got.unwrap().url.as_str(), "https://b.example/c");
    let (_, _, got) = play(vec![to("/1"), to("/2"), to("/3")], &headers);
    assert!(got.unwrap_err().contains("too-many-redirects"));
}

#[test]
fn what_was_there_before_is_asked_for_by_its_tag_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["in", "out"] {
        fs::create_dir_all(folder.path().join(name)).unwrap();
    }
    let run = Run::in_folder(folder.path());
    let url: Url = "https://a.example/data".parse().unwrap();
    let headers =
        [("etag", "\"v1\""), ("content-type", "text/csv"), ("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT")];
    let (_, _, got) = play(vec![answer(200, &headers)], &[]);
    keep(&run, &url, got.unwrap(), None, "").unwrap();
    let read = |name: &str| fs::read_to_string(folder.path().join("out").join(name)).unwrap();
    let first: Report = serde_json::from_str(&read("report")).unwrap();
    assert_eq!((first.status, first.modified, first.bytes), (200, true, 8));

    fs::write(folder.path().join("in/previous"), read("report")).unwrap();
    assert_eq!(before(&run, &url).unwrap(), None, "without its bytes");
    fs::write(folder.path().join("in/data"), read("data")).unwrap();
    assert_eq!(before(&run, &"https://b.example/".parse().unwrap()).unwrap(), None, "of another URL");
    let previous = before(&run, &url).unwrap().unwrap();
    let names: Vec<_> = previous.conditions().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["if-none-match", "if-modified-since"]);

    let (_, _, got) = play(vec![answer(304, &[])], &[]);
    keep(&run, &url, got.unwrap(), Some(previous), "").unwrap();
    let second: Report = serde_json::from_str(&read("report")).unwrap();
    assert_eq!((second.status, second.modified, read("data").as_str()), (304, false, "x,y\n1,2\n"));
    assert_eq!((second.etag, second.sha256, second.media_type), (first.etag, first.sha256, first.media_type));
}

#[test]
fn bytes_that_are_not_the_wanted_ones_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("out")).unwrap();
    let run = Run::in_folder(folder.path());
    let url: Url = "https://a.example/data".parse().unwrap();
    let fetched = |wanted: &str| {
        let (_, _, got) = play(vec![answer(200, &[])], &[]);
        keep(&run, &url, got.unwrap(), None, wanted)
    };
    let digest = hex_digest(b"x,y\n1,2\n");
    assert!(fetched(&digest).is_ok() && fetched(&format!("sha256:{}", digest.to_uppercase())).is_ok());
    assert!(fetched(&"0".repeat(64)).unwrap_err().to_string().contains("wrong-digest"));
}
