//! Models that change while records flow.

use super::*;

const LANES: u64 = 8;
const PER_LANE: u64 = 400;

#[test]
fn models_swap_in_the_middle_of_a_stream_and_every_record_says_which_scored_it() {
    let Some(cluster) = cluster() else { return };
    let host = Host::start_with(options());
    deploy_scorer(&host, "[\"wine\"]", &kafka_trigger(&cluster, ""));
    add_stream(&host, &cluster);
    let models = ["standard-logistic", "extra-trees", "mlp", "minmax-logistic"].map(|it| Fixture::read(it).bytes);
    cluster.put("models", "wine", &descriptor("wine", "1", &models[0]));
    in_force(&host, "wine", 1);

    // The records flow before the models change.
    let mut scores = cluster.read("scores");
    (0..LANES).for_each(|lane| cluster.put("records", &lane.to_string(), &record(&lane.to_string(), 0)));
    let first = take(&mut scores, usize::try_from(LANES).unwrap());
    // Another model comes after each quarter; the records go on meanwhile.
    for number in 1..PER_LANE {
        if number % (PER_LANE / 4) == 0 {
            let version = usize::try_from(number / (PER_LANE / 4)).unwrap();
            cluster.put("models", "wine", &descriptor("wine", &(version + 1).to_string(), &models[version]));
        }
        for lane in 0..LANES {
            cluster.put("records", &lane.to_string(), &record(&lane.to_string(), number));
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    cluster.flush();
    in_force(&host, "wine", 4);
    (0..LANES).for_each(|lane| cluster.put("records", &lane.to_string(), &record(&lane.to_string(), PER_LANE)));

    let count = LANES * (PER_LANE + 1);
    let rest = take(&mut scores, usize::try_from(count - LANES).unwrap());
    for (lane, scores) in by_lane(first.into_iter().chain(rest).collect()) {
        let numbers: Vec<u64> = scores.iter().map(|it| it["inputRecord"]["number"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (0..=PER_LANE).collect::<Vec<_>>(), "lane {lane}: none is lost, and the order is kept");
        let versions: Vec<u64> = scores.iter().map(|it| metadata(it)["modelVersion"].as_u64().unwrap()).collect();
        assert!(versions.is_sorted(), "lane {lane}: a version never goes back: {versions:?}");
        assert_eq!((versions.first(), versions.last()), (Some(&1), Some(&4)), "lane {lane}");
        assert!(scores.iter().all(|it| metadata(it)["errors"] == ""), "lane {lane}");
    }
    let stats = host.json(&["models", "stats", "wine"]);
    let others = stats["others"].as_array().unwrap().iter().chain([&stats["in_force"]]);
    let usage: u64 = others.map(|it| it["usage"].as_u64().unwrap()).sum();
    assert_eq!((usage, &stats["in_force"]["version"]["number"]), (count, &json!(4)), "{stats}");
    assert!(stats["in_force"]["p99_ms"].as_f64() >= stats["in_force"]["p50_ms"].as_f64(), "{stats}");
}
