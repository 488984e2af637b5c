//! What is hidden, and what is left as it is.

use base64::{Engine as _, engine::general_purpose};
use serde_json::json;

use super::*;

const VALUE: &str = "s3cr3t/p\"w ö";

fn mask(values: &[&str]) -> Mask {
    let values: Vec<_> = values.iter().map(|it| SecretValue::parse((*it).to_owned()).unwrap()).collect();
    Mask::of(&values)
}

#[test]
fn a_mask_of_nothing_copies_nothing() {
    assert!(matches!(Mask::none().hide("anything"), Cow::Borrowed("anything")));
    assert!(Mask::of([]).is_empty());
    assert!(matches!(mask(&["canary"]).hide("nothing of it"), Cow::Borrowed(_)));
}

#[test]
fn every_occurrence_is_hidden_and_nothing_else() {
    let mask = mask(&["canary", "canary-bird"]);
    assert_eq!(mask.hide("a canary, a canary-bird, cana"), "a ***, a ***, cana");
    assert_eq!(mask.hide("canarycanary"), "******");
}

#[test]
fn encodings_are_hidden_too() {
    let mask = mask(&[VALUE]);
    let pair = format!("user:{VALUE}");
    let told = [
        VALUE.to_owned(),
        general_purpose::STANDARD.encode(VALUE),
        general_purpose::URL_SAFE.encode(VALUE),
        hex::encode(VALUE),
        hex::encode_upper(VALUE),
        "s3cr3t%2Fp%22w%20%C3%B6".to_owned(),
        "s3cr3t%2fp%22w%20%c3%b6".to_owned(),
        "s3cr3t%2Fp%22w+%C3%B6".to_owned(),
        "s3cr3t/p%22w%20%C3%B6".to_owned(),
        json!(VALUE).to_string(),
        format!("{VALUE:?}"),
    ];
    for text in told {
        let hidden = mask.hide(&text).into_owned();
        assert!(hidden.contains(HIDDEN) && !hidden.contains("s3cr3t"), "{text} became {hidden}");
    }
    for name in ["u", "us", "use", "user"] {
        let basic = general_purpose::STANDARD.encode(format!("{name}:{VALUE}"));
        assert!(mask.hide(&basic).contains(HIDDEN), "{basic}");
    }
    assert!(!mask.hide(&pair).contains("s3cr3t"));
}

#[test]
fn a_value_of_several_lines_is_hidden_line_by_line() {
    let mask = mask(&["-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----\n"]);
    assert_eq!(mask.hide("line: MIIEvQIBADANBg"), "line: ***");
    assert_eq!(mask.hide("kqhkiG9w0BAQEF"), "***");
}

#[test]
fn a_value_cut_in_half_is_hidden_as_far_as_it_goes() {
    let mask = mask(&["canary-value"]);
    assert_eq!(mask.hide_cut("a canary-value and a canary-v"), "a *** and a ***");
    assert_eq!(mask.hide_cut("a cana"), "a ***");
    assert_eq!(mask.hide_cut("a can"), "a can", "three letters say nothing");
    assert_eq!(mask.hide_cut("nothing of it"), "nothing of it");
}

#[test]
fn json_is_hidden_in_texts_numbers_and_keys() {
    let mut value = json!({"canary": ["a canary", 12_345_678, {"x": 1.5}], "ok": true});
    mask(&["canary", "12345678"]).hide_json(&mut value);
    assert_eq!(value, json!({"***": ["a ***", "***", {"x": 1.5}], "ok": true}));
}

#[test]
fn a_failure_is_hidden_in_all_it_says() {
    let mut failure = Failure::fatal("canary", "it said canary");
    failure.backtrace = Some("at canary".into());
    let hidden = mask(&["canary"]).hide_failure(failure);
    assert!(!format!("{hidden:?}").contains("canary"));
}

#[test]
fn a_mask_does_not_print_what_it_hides() {
    assert!(!format!("{:?}", mask(&["canary"])).contains("canary"));
}

#[test]
fn the_longest_value_can_be_hidden() {
    let long: String = (0..5_900).map(|n| format!("{n:010}\n")).collect();
    let mask = mask(&[long.trim_end()]);
    assert_eq!(mask.hide(&format!("<{}>", long.trim_end())), "<***>");
    assert_eq!(mask.hide("0000000042"), "***");
}
