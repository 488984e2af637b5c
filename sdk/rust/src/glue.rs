//! Between the contract's batches and the handlers people write.

use serde::de::DeserializeOwned;

use crate::{Event, Failure, IntoOutputs, bindings::weft::function::types as wit, log};

/// The answer to one event, as the contract has it.
pub type Answer = Result<Vec<wit::Output>, wit::Failure>;

/// Gives a handler its events one by one.
pub fn each<T, R, E, F>(events: Vec<wit::Event>, mut handler: impl FnMut(Event<T>) -> Result<R, E>) -> Vec<Answer>
where
    T: DeserializeOwned + 'static,
    R: IntoOutputs<F>,
    E: Into<Failure>,
{
    let mut answers = Vec::with_capacity(events.len());
    for (index, event) in (0..).zip(events) {
        let kind = event.type_.clone();
        let result = Event::read(index, event).and_then(|event| handler(event).map_err(Into::into));
        answers.push(answer(kind, result));
    }
    answers
}

/// Gives a handler the events it can read all at once; the others fail.
pub fn batch<T, R, E, F>(
    events: Vec<wit::Event>,
    handler: impl FnOnce(Vec<Event<T>>) -> Vec<Result<R, E>>,
) -> Vec<Answer>
where
    T: DeserializeOwned + 'static,
    R: IntoOutputs<F>,
    E: Into<Failure>,
{
    let mut read = Vec::with_capacity(events.len());
    let mut slots = Vec::with_capacity(events.len());
    for (index, event) in (0..).zip(events) {
        let kind = event.type_.clone();
        let slot = Event::read(index, event).map(|event| read.push(event));
        slots.push((kind, slot));
    }
    let asked = read.len();
    let results = handler(read);
    if results.len() != asked {
        log::error(&format!("the handler gave {} answers to {asked} events", results.len()), &[]);
        // Which answer is whose is unknown: no answers at all is a wrong number too, and that is what the host checks.
        return Vec::new();
    }
    let mut results = results.into_iter();
    slots
        .into_iter()
        .filter_map(|(kind, slot)| match slot {
            Ok(()) => results.next().map(|result| answer(kind, result.map_err(Into::into))),
            Err(failure) => Some(Err(failure.into())),
        })
        .collect()
}

fn answer<R: IntoOutputs<F>, F>(kind: String, result: Result<R, Failure>) -> Answer {
    let mut outputs = result.and_then(R::into_outputs)?;
    let mut nameless = outputs.iter_mut().filter(|output| output.type_.is_empty());
    // Most answer with one, which need not copy it.
    let first = nameless.next();
    nameless.for_each(|output| kind.clone_into(&mut output.type_));
    if let Some(output) = first {
        output.type_ = kind;
    }
    Ok(outputs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, data: &str) -> wit::Event {
        wit::Event {
            id: "1".to_owned(),
            source: "test".to_owned(),
            type_: kind.to_owned(),
            subject: None,
            time: None,
            content_type: None,
            key: None,
            inlet: String::new(),
            extensions: Vec::new(),
            data: data.as_bytes().to_vec(),
        }
    }

    fn said(answers: &[Answer]) -> Vec<String> {
        let say = |answer: &Answer| match answer {
            Ok(outputs) => {
                outputs.iter().map(|it| format!("{}={}", it.type_, String::from_utf8_lossy(&it.data))).collect()
            }
            Err(failure) => failure.code.clone(),
        };
        answers.iter().map(say).collect()
    }

    #[test]
    fn an_event_that_cannot_be_read_fails_alone() {
        let events = || vec![event("n", "1"), event("n", "x"), event("n", "3")];
        let one_by_one = each(events(), |event: Event<u32>| Ok::<_, Failure>(event.data * 2));
        assert_eq!(said(&one_by_one), ["n=2", "bad-json", "n=6"]);
        let all_at_once = batch(events(), |events: Vec<Event<u32>>| {
            events.into_iter().map(|event| Ok::<_, Failure>(event.data * 2)).collect()
        });
        assert_eq!(said(&all_at_once), ["n=2", "bad-json", "n=6"]);
    }

    #[test]
    fn a_wrong_number_of_answers_is_never_matched_to_events() {
        let answers =
            batch(vec![event("n", "1"), event("n", "x")], |_: Vec<Event<u32>>| vec![Ok::<_, Failure>(1), Ok(2)]);
        assert!(answers.is_empty());
    }

    #[test]
    fn an_output_without_a_type_takes_that_of_its_event() {
        let answers = each(vec![event("a", "1")], |_: Event<u32>| {
            Ok::<_, Failure>(vec![crate::Output::of(1), crate::Output::new("b", 2)])
        });
        assert_eq!(said(&answers), ["a=1b=2"]);
    }
}
