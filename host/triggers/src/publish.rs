//! Sends events for functions: to topics, to queues and exchanges, and to other functions.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use async_trait::async_trait;
use host_core::{
    Name,
    event::Event,
    function::FunctionRef,
    grant::PublishTarget,
    ports::{Publish, PublishError, Sender, Wake, WakeError, Wakening},
    retry::Retry,
};

use crate::{amqp::AmqpPublisher, kafka::KafkaPublisher};

/// How often a function is tried with an event that another one sent.
const ATTEMPTS: u32 = 5;

/// The ways out.
pub struct Roads {
    /// To topics.
    pub kafka: KafkaPublisher,
    /// To queues and exchanges.
    pub amqp: AmqpPublisher,
    /// To functions.
    pub wake: Arc<dyn Wake>,
}

/// Sends events to wherever they are for. What it sends by is made after those who send, so it is handed in later.
#[derive(Default)]
pub struct Publishers {
    roads: ArcSwapOption<Roads>,
}

impl Publishers {
    /// Nothing can be sent yet.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// From now on events go out.
    pub fn open(&self, roads: Roads) {
        self.roads.store(Some(Arc::new(roads)));
    }

    /// From now on none does, and connections close.
    pub fn close(&self) {
        self.roads.store(None);
    }
}

#[async_trait]
impl Publish for Publishers {
    async fn publish(&self, sender: &Sender, to: &PublishTarget, events: Vec<Event>) -> Result<(), PublishError> {
        let not_open = || PublishError::Unavailable("this host sends no events yet, or no more".into());
        let roads = self.roads.load_full().ok_or_else(not_open)?;
        match to {
            PublishTarget::Kafka(topic) => roads.kafka.publish(&sender.project, topic, events).await,
            PublishTarget::Amqp(address) => roads.amqp.publish(&sender.project, address, events).await,
            PublishTarget::Function(function) => wake(&*roads.wake, sender, function, events).await,
        }
    }
}

/// Keeps all events for their function, or none. One that is sent twice wakes it once.
async fn wake(wake: &dyn Wake, sender: &Sender, function: &Name, events: Vec<Event>) -> Result<(), PublishError> {
    let wakening = |event: Event| {
        let said = format!("weft publish\n{}\n{function}\n{}\n{}", sender.project, event.source, event.id);
        Wakening {
            id: Wakening::run_of(&said),
            project: sender.project.clone(),
            function: FunctionRef::from(function.clone()),
            trigger: "publish",
            trigger_name: sender.function.to_string(),
            event,
            retry: Retry { attempts: ATTEMPTS, ..Retry::default() },
            depth: sender.depth.saturating_add(1),
            owner: format!("fn:{}", sender.function),
        }
    };
    let woken = wake.wake(events.into_iter().map(wakening).collect()).await;
    woken.map(drop).map_err(|error| match error {
        WakeError::Storage(why) | WakeError::Full(why) => PublishError::Unavailable(why),
        other => PublishError::Refused(other.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use host_core::{RunId, ports::MOST_DEPTH};
    use parking_lot::Mutex;

    use super::*;

    /// Knows one function, and remembers what woke it.
    #[derive(Default)]
    struct Bed(Mutex<Vec<Wakening>>);

    #[async_trait]
    impl Wake for Bed {
        async fn wake(&self, wakenings: Vec<Wakening>) -> Result<Vec<RunId>, WakeError> {
            for wakening in &wakenings {
                if wakening.depth > MOST_DEPTH {
                    return Err(WakeError::TooDeep(wakening.depth));
                }
                if wakening.function.name.as_str() != "score" {
                    return Err(WakeError::NoFunction("there is none".into()));
                }
                if wakening.event.data.is_empty() {
                    return Err(WakeError::Full("as many wait as may".into()));
                }
            }
            let ids = wakenings.iter().map(|it| it.id).collect();
            self.0.lock().extend(wakenings);
            Ok(ids)
        }
    }

    fn event(id: &str) -> Event {
        Event {
            id: id.into(),
            source: "/fn/orders".into(),
            r#type: "wanted".into(),
            subject: None,
            time: None,
            content_type: None,
            key: None,
            inlet: String::new(),
            extensions: Vec::new(),
            data: "x".into(),
        }
    }

    fn sender(depth: u8) -> Sender {
        Sender { project: "shop".parse().unwrap(), function: "orders".parse().unwrap(), depth }
    }

    #[tokio::test]
    async fn a_function_is_woken_by_each_event_one_step_further_down_the_chain() {
        let bed = Bed::default();
        let to = "score".parse().unwrap();
        wake(&bed, &sender(2), &to, vec![event("a"), event("b")]).await.unwrap();
        let woken = bed.0.lock().clone();
        assert_eq!(woken.iter().map(|it| it.event.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert!(woken.iter().all(|it| it.depth == 3 && it.trigger == "publish" && it.trigger_name == "orders"));
        assert!(woken.iter().all(|it| it.project.as_str() == "shop"), "of the sender's own project");
        assert_ne!(woken[0].id, woken[1].id);
    }

    #[tokio::test]
    async fn events_are_kept_all_or_none_and_the_same_twice_is_one_run() {
        let bed = Bed::default();
        let to = "score".parse().unwrap();
        let none = Event { data: Default::default(), ..event("b") };
        let told = wake(&bed, &sender(0), &to, vec![event("a"), none]).await;
        assert!(matches!(told, Err(PublishError::Unavailable(_))), "there may be room later");
        assert!(bed.0.lock().is_empty());
        for _ in 0..2 {
            wake(&bed, &sender(0), &to, vec![event("a")]).await.unwrap();
        }
        let ids: Vec<_> = bed.0.lock().iter().map(|it| it.id).collect();
        assert_eq!(ids[0], ids[1]);
    }

    #[tokio::test]
    async fn a_circle_comes_to_an_end_and_an_unknown_function_is_refused() {
        let bed = Bed::default();
        let told = wake(&bed, &sender(MOST_DEPTH), &"score".parse().unwrap(), vec![event("a")]).await;
        assert!(matches!(told, Err(PublishError::Refused(why)) if why.contains("circle")));
        let told = wake(&bed, &sender(u8::MAX), &"other".parse().unwrap(), vec![event("a")]).await;
        assert!(matches!(told, Err(PublishError::Refused(_))));
        assert!(bed.0.lock().is_empty());
    }

    #[tokio::test]
    async fn who_has_no_roads_says_so() {
        let to = PublishTarget::Function("score".parse().unwrap());
        let told = Publishers::new().publish(&sender(0), &to, vec![event("a")]).await;
        assert!(matches!(told, Err(PublishError::Unavailable(_))));
    }
}
