//! One worker per data type, or all partitions side by side.

use super::*;

#[test]
fn with_the_data_type_as_the_key_each_type_is_scored_in_order_by_its_own_model() {
    let Some(cluster) = cluster() else { return };
    let host = Host::start_with(options());
    deploy_scorer(&host, "[\"wine\", \"beer\"]", &kafka_trigger(&cluster, "order = \"key\"\nmax_ahead = 50\n"));
    add_stream(&host, &cluster);
    cluster.put("models", "wine", &descriptor("wine", "1", &Fixture::read("standard-logistic").bytes));
    cluster.put("models", "beer", &descriptor("Beer", "1", &Fixture::read("logistic-multi").bytes));
    in_force(&host, "wine", 1);
    in_force(&host, "beer", 1);
    for number in 0..200 {
        cluster.put("records", "wine", &record("wine", number));
        let beer = json!({ "dataType": "Beer", "features": [1, 2, 3, 4], "lane": "beer", "number": number });
        cluster.put("records", "beer", beer.to_string().as_bytes());
    }
    let lanes = by_lane(take(&mut cluster.read("scores"), 400));
    for (data_type, scores) in lanes {
        let numbers: Vec<u64> = scores.iter().map(|it| it["inputRecord"]["number"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (0..200).collect::<Vec<_>>(), "{data_type}");
        let is_its_own = |it: &Value| metadata(it)["modelName"] == data_type && metadata(it)["errors"] == "";
        assert!(scores.iter().all(is_its_own), "{data_type}: {}", scores[0]);
    }
}
