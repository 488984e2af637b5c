//! Where a trigger sends what leaves its function, and what it gives up.

use std::collections::BTreeMap;

use host_core::manifest::AmqpTrigger;
use lapin::types::ShortString;

use super::{address::Address, message::Message, outbox::Letter, topology};
use crate::handover::Outgoing;

/// Where outputs and dead letters go.
#[derive(Debug)]
pub(super) struct Routes {
    outlets: BTreeMap<String, Address>,
    pub(super) dead_letters: ShortString,
}

impl Routes {
    /// As a manifest says.
    pub(super) fn of(trigger: &AmqpTrigger) -> Result<Self, String> {
        let only = trigger.output.iter().map(|it| ("", it));
        let named = trigger.outputs.iter().map(|(outlet, it)| (outlet.as_str(), it));
        let outlets = only.chain(named).map(|(outlet, it)| Ok((outlet.to_owned(), Address::parse(it)?)));
        let outlets = outlets.collect::<Result<_, String>>()?;
        let dead = trigger.dead_letter.clone().unwrap_or_else(|| format!("{}.dead", trigger.queue));
        let dead_letters = topology::named("the dead-letter queue", &dead).map_err(|error| error.to_string())?;
        Ok(Self { outlets, dead_letters })
    }

    /// Messages to publish. What leaves by an outlet without an address goes nowhere.
    pub(super) fn letters(&self, outputs: &[Outgoing]) -> impl Iterator<Item = Letter> {
        outputs.iter().filter_map(|it| {
            let to = self.outlets.get(&it.outlet)?.clone();
            Some(Letter { to, message: Message::of(&it.event) })
        })
    }

    /// Where dead letters go.
    pub(super) fn dead_letters(&self) -> Address {
        Address::queue(&self.dead_letters)
    }
}
