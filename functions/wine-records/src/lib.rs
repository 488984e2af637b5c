//! Makes records of wines and sends them to a stream.

use serde::{Deserialize, Serialize};
use weft::{Event, Failure, Output, publish};

/// The destination, as `function.toml` grants it.
const RECORDS: &str = "records";

/// The most records of one event.
const MOST: u32 = 1_000;

/// What is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Asked {
    count: Option<u32>,
    /// Whether the records of a data type stay in order, by bearing it as their key.
    keyed: bool,
}

/// How many were sent.
#[derive(Debug, PartialEq, Serialize)]
struct Sent {
    sent: u32,
}

/// A wine.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Wine {
    fixed_acidity: f64,
    volatile_acidity: f64,
    citric_acid: f64,
    residual_sugar: f64,
    chlorides: f64,
    free_sulfur_dioxide: f64,
    total_sulfur_dioxide: f64,
    density: f64,
    #[serde(rename = "pH")]
    ph: f64,
    sulphates: f64,
    alcohol: f64,
    #[serde(rename = "dataType")]
    data_type: &'static str,
    ts: Option<String>,
}

/// Wines of the dataset, in its order of columns.
const WINES: [[f64; 11]; 8] = [
    [7.4, 0.7, 0.0, 1.9, 0.076, 11.0, 34.0, 0.9978, 3.51, 0.56, 9.4],
    [7.8, 0.88, 0.0, 2.6, 0.098, 25.0, 67.0, 0.9968, 3.2, 0.68, 9.8],
    [11.2, 0.28, 0.56, 1.9, 0.075, 17.0, 60.0, 0.998, 3.16, 0.58, 9.8],
    [7.3, 0.65, 0.0, 1.2, 0.065, 15.0, 21.0, 0.9946, 3.39, 0.47, 10.0],
    [8.5, 0.28, 0.56, 1.8, 0.092, 35.0, 103.0, 0.9969, 3.3, 0.75, 10.5],
    [7.9, 0.32, 0.51, 1.8, 0.341, 17.0, 56.0, 0.9969, 3.04, 1.08, 9.2],
    [7.5, 0.52, 0.16, 1.9, 0.085, 12.0, 35.0, 0.9968, 3.38, 0.62, 9.5],
    [5.0, 0.42, 0.24, 2.0, 0.06, 19.0, 50.0, 0.9917, 3.72, 0.74, 14.0],
];

#[weft::handler]
fn wine_records(event: Event<Option<Asked>>) -> Result<Sent, Failure> {
    let Asked { count, keyed } = event.data.unwrap_or_default();
    let sent = count.unwrap_or(1).min(MOST);
    let mut chance = Chance::of(&event.id);
    let record = |_| {
        let wine = wine(&mut chance, event.time.clone());
        let output = Output::new("wine.record", wine.clone());
        if keyed { output.key(wine.data_type) } else { output }
    };
    publish::send(RECORDS, (0..sent).map(record).collect::<Vec<_>>())?;
    Ok(Sent { sent })
}

/// A wine of the dataset with measurements that are up to 5% off.
fn wine(chance: &mut Chance, ts: Option<String>) -> Wine {
    let like = WINES[chance.below(WINES.len())];
    let [fa, va, ca, rs, ch, fsd, tsd, density, ph, su, al] =
        like.map(|it| (it * (0.95 + 0.1 * chance.share()) * 10_000.0).round() / 10_000.0);
    Wine {
        fixed_acidity: fa,
        volatile_acidity: va,
        citric_acid: ca,
        residual_sugar: rs,
        chlorides: ch,
        free_sulfur_dioxide: fsd,
        total_sulfur_dioxide: tsd,
        // Wines are about as dense as water, whatever else they are.
        density: 0.99 + (density - 0.99).clamp(-0.001, 0.014),
        ph,
        sulphates: su,
        alcohol: al,
        data_type: "wine",
        ts,
    }
}

/// Numbers that look like chance and are the same for the same event (xorshift).
struct Chance(u64);

impl Chance {
    fn of(id: &str) -> Self {
        let seed = id
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |seed, byte| (seed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Self(seed | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most as u64).unwrap_or(0)
    }

    /// From 0 up to 1.
    fn share(&mut self) -> f64 {
        f64::from(u32::try_from(self.next() >> 32).unwrap_or(0)) / f64::from(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(id: &str, data: &str) -> Vec<(String, String, Vec<u8>)> {
        let mut event = Event::new("weft.schedule", serde_json::from_str(data).unwrap());
        id.clone_into(&mut event.id);
        wine_records(event).unwrap();
        publish::sent()
    }

    #[test]
    fn an_event_sends_as_many_records_as_it_says_the_same_each_time() {
        let sent = asked("a", r#"{ "count": 3 }"#);
        assert_eq!((sent.len(), sent[0].0.as_str(), sent[0].1.as_str()), (3, "records", "wine.record"));
        assert_eq!(asked("a", r#"{ "count": 3, "keyed": true }"#), sent);
        assert_ne!(asked("b", r#"{ "count": 3 }"#), sent);
        assert_eq!((asked("c", "null").len(), asked("d", r#"{ "count": 5000 }"#).len()), (1, 1_000));
    }

    #[test]
    fn a_record_has_the_measurements_of_a_wine() {
        let sent = asked("a", "null");
        let record: serde_json::Value = serde_json::from_slice(&sent[0].2).unwrap();
        assert_eq!((record["dataType"].as_str(), record.as_object().unwrap().len()), (Some("wine"), 13));
        let density = record["density"].as_f64().unwrap();
        assert!((0.98..1.01).contains(&density), "{density}");
    }
}
