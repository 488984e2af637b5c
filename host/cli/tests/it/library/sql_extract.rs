//! `sql-extract` against a real Postgres: typed, bound, read-only, within bounds, and logged in by SCRAM.

use std::{io::Write as _, process::Stdio};

use serde_json::{Map, Value, json};

use super::{Answer, Library};
use crate::{
    postgres::Database,
    support::{Host, command},
};

const TYPES: &str = "CREATE TABLE kinds (n int4, big int8, x float8, price numeric, ok bool, day date, at timestamp, \
     moment timestamptz, raw bytea, doc jsonb, list int4[], \"Wört, Ω\" text);
     INSERT INTO kinds VALUES (1, 9007199254740993, 0.1, 1.2300, true, '2026-01-31', '2026-01-31 12:00:00.5', \
     '2026-01-31 12:00:00+02', '\\x00ff', '{\"a\": [1, null]}', '{1,NULL}', 'Zürich, \"東京\"\nnext'), \
     (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), \
     (2, -1, 'NaN', -0.5, false, '0001-01-01', '1969-12-31 23:59:59', '1970-01-01 00:00:00+00', '', 'null', '{}', '')";

/// A database, and the function that may reach it.
struct Shop {
    database: Database,
    library: Library,
}

impl Shop {
    fn open() -> Option<Self> {
        let database = Database::fresh()?;
        let library = Library::on(Host::start(), &[]);
        let shop = Self { database, library };
        let (host, port) = shop.server();
        Library::deploy_changed(&shop.library.host, "sql-extract", |manifest| {
            let grant = format!("[grants]\ntcp = [{{ to = \"{host}:{port}\", private = true }}]\n");
            manifest.replace("[grants]\n", &grant)
        });
        Some(shop)
    }

    /// User, host, port and database of `postgres://weft@127.0.0.1:5432/weft`.
    fn parts(&self) -> (String, String, u16, String) {
        let url = self.database.url();
        let (user, rest) =
            url.rsplit_once('/').and_then(|(start, _)| start.split_once("://")?.1.split_once('@')).unwrap();
        let (host, port) = rest.rsplit_once(':').unwrap();
        let database = url.rsplit_once('/').unwrap().1;
        (user.to_owned(), host.to_owned(), port.parse().unwrap(), database.to_owned())
    }

    /// Host and port of the server.
    fn server(&self) -> (String, u16) {
        let (_, host, port, _) = self.parts();
        (host, port)
    }

    fn params(&self, more: Value) -> Value {
        let (user, host, port, database) = self.parts();
        let mut params = json!({ "host": host, "port": port, "database": database, "user": user });
        let more: Map<String, Value> = serde_json::from_value(more).unwrap();
        params.as_object_mut().unwrap().extend(more);
        params
    }

    fn extract(&self, more: Value) -> Answer<'_> {
        self.library.run("sql-extract", &[], self.params(more))
    }

    /// The code and message of a failure.
    fn refused(&self, more: Value) -> (String, String) {
        let answer = self.library.try_run("sql-extract", &[], self.params(more));
        let failure = answer.ran.steps()[0]["failure"].clone();
        let text = |key: &str| failure[key].as_str().unwrap_or_default().to_owned();
        (text("code"), text("message"))
    }

    fn set_password(&self, password: &str) {
        let mut child = command(&["secrets", "set", "postgres-password"])
            .env("WEFT_HOST", self.library.host.url(""))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    }
}

#[test]
fn every_type_comes_out_as_what_it_is() {
    let Some(shop) = Shop::open() else { return };
    shop.database.query(TYPES);
    let query = json!({ "query": "SELECT * FROM kinds ORDER BY n NULLS LAST" });
    let csv = shop.extract(query.clone());
    assert_eq!(
        csv.text("data"),
        "n,big,x,price,ok,day,at,moment,raw,doc,list,\"Wört, Ω\"\n\
         1,9007199254740993,0.1,1.2300,true,2026-01-31,2026-01-31T12:00:00.5,2026-01-31T10:00:00Z,\\x00ff,\
         \"{\"\"a\"\": [1, null]}\",\"{1,NULL}\",\"Zürich, \"\"東京\"\"\nnext\"\n\
         2,-1,NaN,-0.5,false,0001-01-01,1969-12-31T23:59:59,1970-01-01T00:00:00Z,\\x,null,{},\n\
         ,,,,,,,,,,,\n"
    );
    let schema = csv.json("schema");
    let column = |at: usize| (schema["columns"][at]["type"].clone(), schema["columns"][at]["sql"].clone());
    assert_eq!((schema["rows"].clone(), schema["columns"][1]["missing"].clone()), (json!(3), json!(1)));
    assert_eq!([column(1).0, column(1).1, column(7).0, column(7).1], ["integer", "int8", "timestamp", "timestamptz"]);

    let query = "SELECT n, big, x, price, ok, day, at, \"Wört, Ω\" AS text FROM kinds ORDER BY n NULLS LAST";
    let parquet = shop.extract(json!({ "query": query, "format": "parquet" }));
    assert!(parquet.bytes("data").starts_with(b"PAR1"));
    let host = &shop.library.host;
    host.deploy_library("load-dataset");
    let read = shop.library.run("load-dataset", &[("source", parquet.digest("data"))], json!({})).text("data");
    assert!(read.starts_with("n,big,x,price,ok,day,at,text\n1,"), "{read}");
    assert!(read.contains(",0.1,1.23,true,2026-01-31,2026-01-31 12:00:00.500000 +00:00,"), "{read}");
}

#[test]
fn values_are_bound_and_never_part_of_the_query() {
    let Some(shop) = Shop::open() else { return };
    shop.database
        .query("CREATE TABLE people (id int4, name text); INSERT INTO people VALUES (1, 'Ada'), (2, 'O''Hara')");
    let by_name = |name: &str| {
        let query = json!({ "query": "SELECT id FROM people WHERE name = $1 ORDER BY id", "values": [name] });
        shop.extract(query).text("data")
    };
    assert_eq!(by_name("O'Hara"), "id\n2\n");
    assert_eq!(by_name("'; DROP TABLE people; --"), "id\n");
    let query = "SELECT id, $2::int4 + 1 AS more, $3::jsonb AS doc FROM people WHERE id = ANY($1) AND ($4::text IS NULL) ORDER BY id";
    let answer = shop.extract(json!({ "query": query, "values": [[2, 1, null], 41, { "a": "b" }, null] }));
    assert_eq!(answer.text("data"), "id,more,doc\n1,42,\"{\"\"a\"\": \"\"b\"\"}\"\n2,42,\"{\"\"a\"\": \"\"b\"\"}\"\n");
    let (code, message) = shop.refused(json!({ "query": "SELECT $1::int4 AS x", "values": ["one"] }));
    assert_eq!(code, "query-failed");
    assert!(message.contains("invalid input syntax") && message.contains("22P02"), "{message}");
    assert_eq!(shop.refused(json!({ "query": "SELECT $1::int4 AS x" })).0, "bad-values");
}

#[test]
fn nothing_is_changed_whatever_is_asked() {
    let Some(shop) = Shop::open() else { return };
    shop.database.query("CREATE TABLE kept (n int4); INSERT INTO kept VALUES (1); CREATE SEQUENCE counted");
    for (query, code) in [
        ("INSERT INTO kept VALUES (2) RETURNING n", "query-failed"),
        ("WITH gone AS (DELETE FROM kept RETURNING n) SELECT * FROM gone", "query-failed"),
        ("SELECT nextval('counted')", "query-failed"),
        ("DELETE FROM kept", "no-rows"),
        ("COMMIT", "no-rows"),
        ("SET TRANSACTION READ WRITE", "no-rows"),
        ("", "no-rows"),
        ("SELECT 1 AS a; DROP TABLE kept", "query-failed"),
        ("SELECT n FROM missing", "query-failed"),
        ("SELECT 1 AS a, 2 AS a", "bad-query"),
    ] {
        assert_eq!(shop.refused(json!({ "query": query })).0, code, "{query}");
    }
    assert_eq!(shop.database.query("SELECT count(*) FROM kept"), "1");
}

#[test]
fn rows_bytes_and_time_have_bounds_and_many_rows_come_in_batches() {
    let Some(shop) = Shop::open() else { return };
    let many = "SELECT n, repeat('x', 10) AS text FROM generate_series(1, $1::int4) AS n ORDER BY n";
    let answer = shop.extract(json!({ "query": many, "values": [20_000] }));
    assert_eq!((answer.metric("rows"), answer.text("data").lines().count()), (20_000.0, 20_001));
    assert_eq!(
        shop.extract(json!({ "query": many, "values": [20_000], "most_rows": 20_000 })).metric("rows"),
        20_000.0
    );
    assert_eq!(shop.refused(json!({ "query": many, "values": [20_000], "most_rows": 19_999 })).0, "too-many-rows");
    assert_eq!(shop.refused(json!({ "query": many, "values": [20_000], "most_bytes": 100_000 })).0, "too-large");
    let wide = "SELECT repeat('x', 3000000) AS text";
    assert_eq!(shop.refused(json!({ "query": wide, "most_bytes": 2_000_000 })).0, "too-large");
    let (code, message) = shop.refused(json!({ "query": "SELECT pg_sleep(60)", "timeout_s": 1 }));
    assert_eq!(code, "query-failed");
    assert!(message.contains("57014"), "{message}");
}

#[test]
fn a_password_is_proved_by_scram_and_sent_to_nobody() {
    let Some(shop) = Shop::open() else { return };
    let rules = shop.database.query("SELECT count(*) FROM pg_hba_file_rules WHERE user_name = '{+weft_scram}'");
    if rules != "1" {
        eprintln!(
            "no login by password was tried: the server of `cargo xtask test` asks roles of `weft_scram` for one"
        );
        return;
    }
    let role = format!("{}_reader", shop.params(json!({}))["database"].as_str().unwrap());
    for group in ["weft_scram", "weft_clear"] {
        // Tests that run beside this one may make it too.
        let make = format!(
            "DO $$ BEGIN CREATE ROLE {group}; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        );
        shop.database.query(&make);
    }
    shop.database.query(&format!("CREATE ROLE {role} LOGIN PASSWORD 'pässword-1' IN ROLE weft_scram"));
    let ask = json!({ "user": role, "query": "SELECT current_user AS me" });
    assert_eq!(shop.refused(ask.clone()).0, "config-unavailable", "the secret has no value yet");
    let none = json!({ "user": role, "query": "SELECT 1 AS one", "secret": "" });
    assert_eq!(shop.refused(none).0, "no-password");
    shop.set_password("pässword-2");
    let (code, message) = shop.refused(ask.clone());
    assert_eq!(code, "refused-login");
    assert!(!message.contains("pässword"), "{message}");
    shop.set_password("pässword-1");
    assert_eq!(shop.extract(ask.clone()).text("data"), format!("me\n{role}\n"));
    shop.database.query(&format!("REVOKE weft_scram FROM {role}; GRANT weft_clear TO {role}"));
    assert_eq!(shop.refused(ask).0, "weak-login");
    shop.database.query(&format!("DROP ROLE {role}"));
}

#[test]
fn what_was_not_granted_is_not_reached_and_an_extract_is_not_reproducible() {
    let Some(shop) = Shop::open() else { return };
    let (_, port) = shop.server();
    for elsewhere in [json!({ "port": port - 1 }), json!({ "host": "127.0.0.2" }), json!({ "host": "db.example.com" })]
    {
        let mut ask = json!({ "query": "SELECT 1 AS one" });
        ask.as_object_mut().unwrap().extend(elsewhere.as_object().unwrap().clone());
        assert_eq!(shop.refused(ask).0, "not-granted", "{elsewhere}");
    }
    let answer = shop.extract(json!({ "query": "SELECT 1 AS one" }));
    let comparison = shop.library.host.json(&["runs", "reproduce", answer.ran.id()]);
    let obstacles = comparison["obstacles"].to_string();
    assert!(obstacles.contains("not reproducible: granted tcp"), "{comparison}");
}
