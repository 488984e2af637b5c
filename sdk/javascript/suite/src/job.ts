// A job: the param `do` is the behaviour.

import { Failure, context, job, log, model, shape, type Run } from '@weft/sdk';

import { fail, predicted } from './handler.ts';

const params = shape.object({
  do: shape.string,
  n: shape.integer,
  text: shape.string,
  list: shape.list(shape.number),
});

type Params = ReturnType<typeof params>;

const BEHAVIOURS: Record<string, (params: Params, run: Run) => void> = {
  copy: (_, run) => {
    for (const input of run.inputs) run.write(input.name, input.bytes());
    run.result('report', run.inputs.map((it) => it.name));
  },
  write: ({ text }, run) => {
    run.write('out', text);
    run.result('report', new TextEncoder().encode(text).length);
  },
  params: ({ n, text, list }, run) => run.result('report', { n, text, list }),
  inputs: (_, run) => {
    const told = run.inputs.map((it) => ({
      name: it.name, path: it.path, digest: it.digest, kind: it.kind, bytes: it.bytes().length,
    }));
    run.result('report', told);
  },
  record: ({ n }, run) => {
    for (let step = 0; step < n; step += 1) run.metric('loss', 1 / (step + 1), step);
    run.metric('accuracy', 0.75);
    run.param('chosen', { depth: 3 });
    run.result('nested', { list: [1, 2.5, null, 'é'] });
  },
  describe: (_, run) => {
    run.write('out', 'a,b\n1,2\n');
    run.describe('out', 'table', { rows: 1 });
  },
  context: (_, run) => run.result('report', { attempt: context.attempt, seed: String(run.seed) }),
  log: ({ n }) => {
    for (let line = 0; line < n; line += 1) log.info(`line ${line}`, { line });
  },
  infer: ({ text }, run) => {
    const asked = shape.object({ input: shape.string, shape: shape.list(shape.integer), values: shape.list(shape.number) });
    const { input, shape: dims, values } = asked(JSON.parse(text));
    run.result('report', predicted(model.infer('in/scorer', { [input]: { shape: dims, data: values } })));
  },
  random: (_, run) => run.result('report', [String(Math.random()), String(Math.random())]),
  clock: (_, run) => run.result('report', new Date().getUTCFullYear()),
  'no-input': (_, run) => void run.input('nowhere'),
  invalid: ({ text }) => fail(Failure.invalid('asked', text)),
  transient: ({ n, text }) => fail(Failure.transient('asked', text, { retryAfterMs: n })),
  fatal: ({ text }) => fail(Failure.fatal('asked', text)),
  error: ({ text }) => fail(new Error(text)),
};

export default job({ params }, (given, run) => {
  const behave = Object.hasOwn(BEHAVIOURS, given.do) ? BEHAVIOURS[given.do] : undefined;
  if (behave === undefined) throw Failure.invalid('unknown-behaviour', `nobody told me how to ${given.do}`);
  behave(given, run);
});
