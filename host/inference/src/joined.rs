//! Predictions that are asked for at about the same time, computed as one and answered one by one.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use host_core::{
    Name,
    call::InferCall,
    model::{ScoreError, Signature},
    tensor::{Dtype, Tensor},
};
use parking_lot::Mutex;
use tokio::{sync::oneshot, time::timeout_at};

use crate::{Config, Session, compute::Compute};

type Answer = Result<Vec<Tensor>, ScoreError>;

/// Joins calls of the same session whose inputs differ in their rows alone.
pub(crate) struct Joiner {
    compute: Arc<Compute>,
    /// The most rows of one computation.
    rows: u64,
    /// How long the first waits for the others.
    wait: Duration,
    /// How many may wait; those beyond are computed by themselves.
    most_waiting: usize,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    groups: HashMap<Key, Group>,
    /// How many groups there were.
    opened: u64,
    waiting: usize,
}

/// What calls must have in common.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    /// Whose calls they are: those of two projects never meet, not even over the same bytes.
    project: Name,
    /// Which session; a group holds it, so that its place is taken by no other meanwhile.
    session: usize,
    /// Name, type and the shape of one row of each input.
    inputs: Vec<(String, Dtype, Vec<u64>)>,
    outputs: Vec<String>,
}

/// Calls that wait to be computed together.
struct Group {
    number: u64,
    session: Arc<Session>,
    rows: u64,
    members: Vec<Member>,
}

struct Member {
    call: InferCall,
    rows: u64,
    deadline: Instant,
    answer: oneshot::Sender<Answer>,
}

impl Joiner {
    /// Nothing, where the configuration joins no calls.
    pub(crate) fn new(config: &Config, compute: Arc<Compute>) -> Option<Arc<Self>> {
        (config.batch_rows > 1).then(|| {
            Arc::new(Self {
                compute,
                rows: config.batch_rows,
                wait: config.batch_wait.duration(),
                most_waiting: config.waiting,
                open: Mutex::default(),
            })
        })
    }

    /// Whether a call can be joined with others at all; it is given back where it cannot.
    pub(crate) async fn ask(
        self: &Arc<Self>,
        project: &Name,
        session: &Arc<Session>,
        call: InferCall,
        deadline: Instant,
    ) -> Result<Answer, InferCall> {
        let Some((key, rows)) = key(project, session, &call).filter(|(_, rows)| *rows < self.rows) else {
            return Err(call);
        };
        let (answer, answered) = oneshot::channel();
        self.join(session, key, Member { call, rows, deadline, answer }).map_err(|member| member.call)?;
        let answered = timeout_at(deadline.into(), answered).await;
        let gone = || ScoreError::Failed("the prediction was interrupted".to_owned());
        Ok(answered.map_or(Err(ScoreError::Deadline), |answer| answer.unwrap_or_else(|_| Err(gone()))))
    }

    /// Adds a member to the group that is open for its kind, and has it computed where it is full by that.
    fn join(self: &Arc<Self>, session: &Arc<Session>, key: Key, member: Member) -> Result<(), Member> {
        let mut open = self.open.lock();
        if open.waiting >= self.most_waiting {
            return Err(member);
        }
        open.waiting += 1;
        // One that would be too large with this member goes as it is.
        let is_over = open.groups.get(&key).is_some_and(|it| it.rows + member.rows > self.rows);
        if is_over && let Some(group) = open.groups.remove(&key) {
            self.start(&mut open, group);
        }
        let opened = open.opened;
        let group = open.groups.entry(key.clone()).or_insert_with(|| Group {
            number: opened,
            session: session.clone(),
            rows: 0,
            members: Vec::new(),
        });
        let is_first = group.members.is_empty();
        group.rows += member.rows;
        group.members.push(member);
        let is_full = group.rows >= self.rows;
        if is_full && let Some(group) = open.groups.remove(&key) {
            self.start(&mut open, group);
        } else if is_first {
            open.opened += 1;
            tokio::spawn(self.clone().close(key, opened));
        }
        Ok(())
    }

    /// Computes a group once its wait is over, unless it was full before.
    async fn close(self: Arc<Self>, key: Key, number: u64) {
        tokio::time::sleep(self.wait).await;
        let mut open = self.open.lock();
        if open.groups.get(&key).is_some_and(|it| it.number == number)
            && let Some(group) = open.groups.remove(&key)
        {
            self.start(&mut open, group);
        }
    }

    fn start(&self, open: &mut Open, group: Group) {
        open.waiting = open.waiting.saturating_sub(group.members.len());
        // In a task of its own: whoever was last may go away, the others still want their answers.
        tokio::spawn(run(self.compute.clone(), group));
    }
}

/// Computes a group in one, and its members one by one where that does not work: none suffers for another.
async fn run(compute: Arc<Compute>, group: Group) {
    let Group { session, mut members, .. } = group;
    members.retain(|it| !it.answer.is_closed());
    let Some(latest) = members.iter().map(|it| it.deadline).max() else { return };
    if members.len() > 1 {
        let joined = joined(&members);
        match compute_with(&compute, &session, joined, latest).await {
            Ok(outputs) => {
                if let Some(parts) = split(&outputs, &members) {
                    return members.into_iter().zip(parts).for_each(|(it, part)| drop(it.answer.send(Ok(part))));
                }
            }
            // Those would be refused alone as well.
            Err(error @ (ScoreError::Busy | ScoreError::Deadline)) => {
                return members.into_iter().for_each(|it| drop(it.answer.send(Err(error.clone()))));
            }
            Err(_) => {}
        }
    }
    for Member { call, deadline, answer, .. } in members {
        // Whoever went away meanwhile wants no answer.
        let _ = answer.send(compute_with(&compute, &session, call, deadline).await);
    }
}

/// Computes a call when its turn comes.
pub(crate) async fn compute_with(
    compute: &Compute,
    session: &Arc<Session>,
    call: InferCall,
    deadline: Instant,
) -> Answer {
    let estimate = session.cost().of(session.rows(&call.inputs));
    let session = session.clone();
    compute.run(estimate, deadline, move || session.run_for(&call.inputs, &call.outputs)).await
}

/// What a call has in common with those it can be joined with, and its rows.
fn key(project: &Name, session: &Arc<Session>, call: &InferCall) -> Option<(Key, u64)> {
    if !is_by_row(session.signature()) {
        return None;
    }
    let rows = *call.inputs.first()?.shape.first()?;
    let mut inputs = Vec::with_capacity(call.inputs.len());
    for it in &call.inputs {
        let (first, row) = it.shape.split_first()?;
        let bytes = it.len()?.checked_mul(it.dtype.width()?)?;
        // One that does not add up is refused alone.
        if *first != rows || rows == 0 || it.data.len() != bytes {
            return None;
        }
        inputs.push((it.name.clone(), it.dtype, row.to_vec()));
    }
    let session = Arc::as_ptr(session).addr();
    Some((Key { project: project.clone(), session, inputs, outputs: call.outputs.clone() }, rows))
}

/// Whether the first dimension of every tensor is free: then it counts rows.
fn is_by_row(signature: &Signature) -> bool {
    let mut specs = signature.inputs.iter().chain(&signature.outputs);
    specs.all(|it| it.shape.first() == Some(&-1) && it.datatype.width().is_some())
}

/// The inputs of all members, one after the other.
fn joined(members: &[Member]) -> InferCall {
    let rows = members.iter().map(|it| it.rows).sum();
    let Some(first) = members.first() else { return InferCall { inputs: Vec::new(), outputs: Vec::new() } };
    let input = |(index, like): (usize, &Tensor)| {
        let parts = members.iter().filter_map(|it| it.call.inputs.get(index));
        let mut data = BytesMut::with_capacity(parts.clone().map(|it| it.data.len()).sum());
        parts.for_each(|it| data.extend_from_slice(&it.data));
        let shape = std::iter::once(rows).chain(like.shape.iter().skip(1).copied()).collect();
        Tensor { name: like.name.clone(), dtype: like.dtype, shape, data: data.freeze() }
    };
    let inputs = first.call.inputs.iter().enumerate().map(input).collect();
    InferCall { inputs, outputs: first.call.outputs.clone() }
}

/// The outputs of each member; nothing where they are not by row after all.
fn split(outputs: &[Tensor], members: &[Member]) -> Option<Vec<Vec<Tensor>>> {
    let rows: u64 = members.iter().map(|it| it.rows).sum();
    let mut parts: Vec<Vec<Tensor>> = members.iter().map(|_| Vec::with_capacity(outputs.len())).collect();
    for output in outputs {
        let (first, row) = output.shape.split_first()?;
        if *first != rows || rows == 0 || !(output.data.len() as u64).is_multiple_of(rows) {
            return None;
        }
        let width = output.data.len() / usize::try_from(rows).ok()?;
        let mut from = 0;
        for (member, part) in members.iter().zip(&mut parts) {
            let to = from + width * usize::try_from(member.rows).ok()?;
            // Copied, so that one small answer does not keep all of them in memory.
            let data = Bytes::copy_from_slice(output.data.get(from..to)?);
            let shape = std::iter::once(member.rows).chain(row.iter().copied()).collect();
            part.push(Tensor { name: output.name.clone(), dtype: output.dtype, shape, data });
            from = to;
        }
    }
    Some(parts)
}
