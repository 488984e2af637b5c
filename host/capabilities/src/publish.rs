//! Where a function may send events, and what the host makes of what it sends.

use host_core::{
    CallId, Name,
    event::{Event, Output, is_attribute},
    grant::{Grants, PublishTarget},
};

/// The most events of one call to the host.
pub const MOST_EVENTS: usize = 1_000;

/// Where the function may send that it calls `name`; `None` when its manifest grants nothing of that name.
#[must_use]
pub fn granted<'a>(grants: &'a Grants, name: &str) -> Option<&'a PublishTarget> {
    grants.publish.iter().find(|it| it.name.as_str() == name).map(|it| &it.to)
}

/// What to say of a destination that is not granted, with the line that would grant it.
#[must_use]
pub fn advice(name: &str) -> String {
    let Ok(name) = name.parse::<Name>() else {
        return "a destination that cannot be granted was sent to: its name is no name".to_owned();
    };
    format!(
        "sending to `{name}` is not granted: add {{ name = \"{name}\", function = \"{name}\" }} to `publish` under \
         [grants], or with kafka = {{ … }} or amqp = {{ … }} in place of the function"
    )
}

/// What the host writes on events that are sent.
#[derive(Debug, Clone)]
pub struct Envelope<'a> {
    /// The project of the function that sends.
    pub project: &'a Name,
    /// The function.
    pub function: &'a Name,
    /// The call it is in.
    pub call: CallId,
    /// How many events that call has sent already.
    pub before: u32,
    /// The time of day, RFC 3339.
    pub time: String,
    /// The trace of the call.
    pub traceparent: Option<&'a str>,
}

impl Envelope<'_> {
    /// Whole events, with an identity, a source and a time that no guest can choose.
    ///
    /// # Errors
    /// When there are too many, or one says nothing of its type.
    pub fn address(&self, outputs: Vec<Output>) -> Result<Vec<Event>, String> {
        if outputs.len() > MOST_EVENTS {
            return Err(format!("{} events at once; {MOST_EVENTS} are allowed", outputs.len()));
        }
        if outputs.iter().any(|it| it.r#type.is_empty()) {
            return Err("an event has no type: say what it is, such as `order.placed`".to_owned());
        }
        let source = self.source();
        let numbered = (u64::from(self.before)..).zip(outputs);
        Ok(numbered.map(|(number, output)| self.event(number, &source, output)).collect())
    }

    fn event(&self, number: u64, source: &str, output: Output) -> Event {
        let Output { outlet, r#type, subject, content_type, key, mut extensions, data } = output;
        extensions.retain(|(name, _)| !is_attribute(name) && (self.traceparent.is_none() || name != "traceparent"));
        extensions.extend(self.traceparent.map(|it| ("traceparent".to_owned(), it.to_owned())));
        Event {
            id: format!("{}/publish/{number}", self.call),
            source: source.to_owned(),
            r#type,
            subject,
            time: Some(self.time.clone()),
            content_type,
            key,
            inlet: outlet,
            extensions,
            data,
        }
    }

    /// The function as a URI reference, as outputs bear it.
    fn source(&self) -> String {
        match self.project.as_str() {
            "default" => format!("/fn/{}", self.function),
            project => format!("/fn/{project}:{}", self.function),
        }
    }
}

#[cfg(test)]
mod tests {
    use host_core::manifest::Manifest;

    use super::*;

    fn output(kind: &str) -> Output {
        Output {
            outlet: "in".into(),
            r#type: kind.into(),
            subject: None,
            content_type: None,
            key: None,
            extensions: vec![("id".into(), "forged".into()), ("traceparent".into(), "forged".into())],
            data: "x".into(),
        }
    }

    #[test]
    fn only_named_destinations_are_sent_to() {
        let text = "name = \"x\"\n[grants]\npublish = [{ name = \"next\", function = \"score\" }]\n";
        let grants = Manifest::parse(text).unwrap().grants;
        assert!(matches!(granted(&grants, "next"), Some(PublishTarget::Function(it)) if it.as_str() == "score"));
        assert!(granted(&grants, "score").is_none(), "what it is called, not where it is");
        let told = advice("score");
        assert!(told.contains("{ name = \"score\", function = \"score\" } to `publish` under [grants]"), "{told}");
        assert!(!advice("../../etc\n").contains("etc"));
    }

    #[test]
    fn a_guest_chooses_neither_identity_nor_source() {
        let (project, function) = ("shop".parse().unwrap(), "orders".parse().unwrap());
        let call = CallId::next();
        let time = "2026-01-01T00:00:00Z".to_owned();
        let envelope =
            Envelope { project: &project, function: &function, call, before: 3, time, traceparent: Some("00-trace") };
        let events = envelope.address(vec![output("a"), output("b")]).unwrap();
        assert_eq!(events[1].id, format!("{call}/publish/4"));
        assert_eq!((events[0].source.as_str(), events[0].inlet.as_str()), ("/fn/shop:orders", "in"));
        assert_eq!(events[0].extensions, [("traceparent".to_owned(), "00-trace".to_owned())]);
        assert!(envelope.address(vec![output("")]).unwrap_err().contains("no type"));
        assert!(envelope.address(vec![output("a"); MOST_EVENTS + 1]).is_err());
    }
}
