//! What every database must do: the same facts on SQLite, and on Postgres where `WEFT_TEST_POSTGRES` names a server; and
//! what every store of bytes must do, on S3 where `WEFT_TEST_S3` names one.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

mod artifacts;
mod chains;
mod functions;
mod gc;
mod home;
mod imports;
mod journal;
mod keys;
mod keyvalue;
mod models;
mod moving;
mod objects;
mod occasions;
mod opening;
mod outage;
mod packages;
mod records;
mod retries;
mod runs;
mod s3;
mod secrets;
#[path = "../../../core/tests/suites/keyvalue.rs"]
mod suite;
mod sweeps;
mod tokens;
mod triggers;
mod trust;

/// Makes each fact a test on both databases.
macro_rules! facts {
    ($($fact:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $fact() {
                    super::$fact($crate::home::Home::sqlite()).await;
                }
            )*
        }

        mod postgres {
            $(
                #[tokio::test]
                async fn $fact() {
                    match $crate::home::Home::postgres().await {
                        Some(home) => {
                            super::$fact(home.clone()).await;
                            home.drop_database().await;
                        }
                        None => println!("not tried on Postgres: `cargo xtask test` does, or set WEFT_TEST_POSTGRES"),
                    }
                }
            )*
        }
    };
}
pub(crate) use facts;
