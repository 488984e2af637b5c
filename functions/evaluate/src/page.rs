//! The page: how good the model is, at a glance.

use maud::{Markup, html};
use weft_report::{Page, Series, Shades, Tile, bars, heatmap, histogram, lines, number, scatter, table};
use weft_tables::Transform;

use crate::{classes::Classification, groups::Fairness, values::Regression};

/// A classifier's report as HTML.
pub(crate) fn classification(title: &str, transform: &Transform, report: &Classification) -> String {
    let subtitle = format!("{} on {} rows that were held back", transform.label, report.rows);
    let majority = format!("always {}: {}", report.majority_class, number(report.majority_accuracy));
    let optional = |it: Option<f64>| it.map_or("–".to_owned(), number);
    let mut page = Page::new(title, subtitle).tiles(&[
        Tile::new("Accuracy", number(report.accuracy)).note(majority),
        Tile::new("F1, macro", number(report.f1_macro)).note("every class alike"),
        Tile::new("F1, weighted", number(report.f1_weighted)).note("by rows of the class"),
        Tile::new("AUC", optional(report.auc)).note("each class against all others"),
        Tile::new("Log loss", optional(report.log_loss)),
        Tile::new("Balanced accuracy", number(report.balanced_accuracy)).note("mean recall"),
    ]);
    page = page.section("Confusion", confusion(report));
    if !report.roc.is_empty() {
        page = page.section("ROC", roc(report));
    }
    page = page.section("By class", by_class(report));
    for groups in &report.groups {
        page = page.section(&format!("By {}", groups.column), by_group(groups));
    }
    page.render()
}

/// A regression's report as HTML.
pub(crate) fn regression(title: &str, transform: &Transform, report: &Regression) -> String {
    let subtitle = format!("{} on {} rows that were held back", transform.label, report.rows);
    Page::new(title, subtitle)
        .tiles(&[
            Tile::new("RMSE", number(report.rmse)).note(format!("always the mean: {}", number(report.mean_rmse))),
            Tile::new("MAE", number(report.mae)),
            Tile::new("R²", number(report.r2)),
        ])
        .section("Found against true", html! { div.card { (scatter(&report.points, "true", "found")) } })
        .section("Errors", html! { div.card { (histogram(&report.errors.edges, &report.errors.counts)) } })
        .render()
}

fn confusion(report: &Classification) -> Markup {
    let cells: Vec<Vec<_>> =
        report.confusion.iter().map(|row| row.iter().map(|&it| Some(it as f64)).collect()).collect();
    html! {
        (heatmap(&report.classes, &cells, Shades::ByRow))
        p.note { "Rows are what is true, columns what the model said; the darker, the larger the share of the row." }
    }
}

fn roc(report: &Classification) -> Markup {
    let series: Vec<_> = report
        .roc
        .iter()
        .map(|it| Series {
            name: format!("{} ({})", it.class, number(it.auc)),
            points: it.false_positive_rate.iter().copied().zip(it.true_positive_rate.iter().copied()).collect(),
        })
        .collect();
    let areas: Vec<_> = report.roc.iter().map(|it| (it.class.clone(), it.auc)).collect();
    html! {
        div.wide {
            div.card { (lines(&series, "false positive rate", "true positive rate")) }
            div.card { h3 { "Area under the curve" } (bars(&areas)) }
        }
    }
}

fn by_class(report: &Classification) -> Markup {
    let row = |it: &crate::classes::PerClass| {
        let numbers = [it.precision, it.recall, it.f1].map(number);
        let auc = it.auc.map_or("–".to_owned(), number);
        [vec![it.class.clone(), it.rows.to_string()], numbers.to_vec(), vec![auc]].concat()
    };
    let rows: Vec<_> = report.per_class.iter().map(row).collect();
    table(&["Class", "Rows", "Precision", "Recall", "F1", "AUC"], &rows)
}

fn by_group(groups: &Fairness) -> Markup {
    let optional = |it: Option<f64>| it.map_or("–".to_owned(), number);
    let row = |it: &crate::groups::Group| {
        let rates = [it.true_positive_rate, it.false_positive_rate].map(optional);
        [
            vec![it.value.clone(), it.rows.to_string(), number(it.selection_rate)],
            rates.to_vec(),
            vec![number(it.accuracy)],
        ]
        .concat()
    };
    let rows: Vec<_> = groups.groups.iter().map(row).collect();
    html! {
        (table(&["Group", "Rows", "Selected", "True positives", "False positives", "Accuracy"], &rows))
        p.note {
            "Selected: the share that is given " (groups.positive) ". Demographic parity: difference "
            (optional(groups.demographic_parity_difference)) ", ratio " (optional(groups.demographic_parity_ratio))
            ". Equalized odds: difference " (optional(groups.equalized_odds_difference)) ", ratio "
            (optional(groups.equalized_odds_ratio)) "."
        }
    }
}
