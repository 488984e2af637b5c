//! `wasi:cli/run`: a job, from its params and inputs to its outputs, in a world of its own.

use std::sync::Arc;

use host_core::{
    call::{Called, End, Finished, JobCall, JobReply, Reply},
    event::{Failure, FailureKind, code},
    function::Entry,
};
use serde_json::{Map, Value};
use tokio::{runtime::Handle, sync::Semaphore, task::spawn_blocking};
use wasmtime::Store;
use wasmtime_wasi::{I32Exit, p2::bindings::CommandPre};

use super::no_entry;
use crate::{
    current::{Current, Spent},
    function::Function,
    guest::Guest,
    instance,
    meter::Metered,
    sandbox::Sandbox,
    supervise::Watch,
    trap,
};

/// Runs the component to its end.
pub(crate) async fn call(
    function: Arc<Function>,
    current: Arc<Current>,
    job: JobCall,
    jobs: &Arc<Semaphore>,
) -> Called {
    let Some(command) = function.job.clone() else {
        return Called::failed(no_entry(Entry::Job));
    };
    let inside = match function.admit_for_long() {
        Ok(inside) => inside,
        Err(overloaded) => return Called::failed(overloaded),
    };
    let Ok(running) = jobs.clone().try_acquire_owned() else {
        return Called::failed(trap::overloaded("as many jobs run as this host allows"));
    };
    // Whoever drops the call wants it no more, and its thread would not notice.
    let token = current.context.cancelled.child_token();
    let _stop = token.clone().drop_guard();
    let watch = current.watch().stopped_by(token);
    let handle = Handle::current();
    // A job computes for long and waits for the disk: it has a thread of its own.
    let work = spawn_blocking(move || {
        let _held = (inside, running);
        handle.block_on(run(command, &current, watch, job))
    });
    match work.await {
        Ok((reply, finished)) => Called { reply, end: End::Now(finished) },
        Err(error) => Called::failed(Failure::fatal(code::TRAP, format!("the host failed to run the job: {error}"))),
    }
}

/// The job's answer, and how it ended.
type Ran = (Result<Reply, Failure>, Finished);

async fn run(command: CommandPre<Guest>, current: &Arc<Current>, watch: Watch, job: JobCall) -> Ran {
    let config = &current.services.config;
    let arguments = arguments(current.revision.function.as_str(), &job.params);
    let bytes_in = job.inputs.iter().filter_map(|input| input.path.metadata().ok()).map(|it| it.len()).sum();
    let sandbox = Sandbox::new(job, &current.revision.manifest, config);
    let guest = Guest::job(current.clone(), watch.clone(), sandbox, &arguments);
    let mut store = instance::store(command.engine(), guest);
    let mut work = Metered::new(Box::pin(async {
        let command = command.instantiate_async(&mut store).await?;
        command.wasi_cli_run().call_run(&mut store).await
    }));
    let ended = watch.over(current, &mut work).await;
    let cpu = work.cpu();
    drop(work);
    let guest = store.data();
    guest.flush();
    let spent = Spent { cpu, memory: guest.limiter.held(), bytes_in, fresh: true, ..Spent::default() };
    let result = match ended {
        Ok(Ok(Ok(()))) => outputs(guest),
        Ok(Ok(Err(()))) => Err(exited(1, guest)),
        Ok(Err(error)) => match error.downcast_ref::<I32Exit>() {
            Some(I32Exit(0)) => outputs(guest),
            Some(I32Exit(status)) => Err(exited(*status, guest)),
            None => Err(blame(trap::failure(&error, &guest.limiter, current), guest)),
        },
        Err(stopped) => Err(trap::stopped(stopped, current)),
    };
    finish(current, &store, spent, result)
}

fn finish(current: &Current, store: &Store<Guest>, spent: Spent, result: Result<Vec<String>, Failure>) -> Ran {
    let bytes_out = store.data().sandbox.as_ref().map_or(0, |it| it.files().outputs().map(|(_, size)| size).sum());
    let finished = current.finish(Spent { bytes_out, ..spent }, result.as_ref().err().cloned());
    (result.map(|outputs| Reply::Job(JobReply { outputs })), finished)
}

/// The outputs of a job that ended well: within its quota, and all there.
fn outputs(guest: &Guest) -> Result<Vec<String>, Failure> {
    let Some(sandbox) = &guest.sandbox else { return Ok(Vec::new()) };
    if let Some(exceeded) = sandbox.files().exceeded() {
        return Err(Failure::fatal(code::QUOTA, exceeded));
    }
    let outputs: Vec<String> = sandbox.files().outputs().map(|(name, _)| name.to_owned()).collect();
    let declared = &guest.current.revision.manifest.outputs;
    let missing =
        |(name, spec): &(&String, &host_core::manifest::OutputSpec)| !spec.optional && !outputs.contains(name);
    match declared.iter().find(missing) {
        Some((name, _)) => {
            let message = format!("it left no /out/{name}, which [outputs.{name}] in function.toml promises");
            Err(Failure::fatal(code::MISSING_OUTPUT, message))
        }
        None => Ok(outputs),
    }
}

/// The failure of a job that exited with a status other than 0.
fn exited(status: i32, guest: &Guest) -> Failure {
    let said = guest.sandbox.as_ref().and_then(Sandbox::said).cloned();
    let failure = said.unwrap_or_else(|| match guest.current.lines().last_words() {
        Some(words) => Failure::fatal(code::EXIT, format!("it exited with {status}; its last words: {words}")),
        None => Failure::fatal(code::EXIT, format!("it exited with {status}")),
    });
    blame(failure, guest)
}

/// A failure, traced back to what the host denied the job, where it did. A job that blames its input knows better.
fn blame(failure: Failure, guest: &Guest) -> Failure {
    let may_be_denial = failure.kind == FailureKind::Fatal || failure.code == code::TRAP;
    let Some(files) = guest.sandbox.as_ref().map(Sandbox::files).filter(|_| may_be_denial) else { return failure };
    if let Some(exceeded) = files.exceeded() {
        return Failure { backtrace: failure.backtrace, ..Failure::fatal(code::QUOTA, exceeded) };
    }
    match files.refused() {
        Some(refused) => Failure { message: format!("{}; {refused}", failure.message), ..failure },
        None => failure,
    }
}

/// The command line: the function's name, then `--name=value`. Texts are as they are, anything else is JSON.
fn arguments(function: &str, params: &Map<String, Value>) -> Vec<String> {
    let argument = |(name, value): (&String, &Value)| match value {
        Value::String(text) => format!("--{name}={text}"),
        other => format!("--{name}={other}"),
    };
    std::iter::once(function.to_owned()).chain(params.iter().map(argument)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn params_become_arguments_in_their_order() {
        let params = json!({ "rate": 0.1, "name": "a b", "deep": true, "layers": [1, 2] });
        let params = params.as_object().unwrap();
        let expected = ["train", "--rate=0.1", "--name=a b", "--deep=true", "--layers=[1,2]"];
        assert_eq!(arguments("train", params), expected);
    }
}
