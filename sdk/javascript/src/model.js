// Models from the registry, as far as the manifest grants them: `wine`, `wine@candidate`, `wine@3`, or `in/<name>` in a
// job with an input that is a model.

import * as host from 'weft:function/model@0.1.0';
import { Failure, payloadOf } from './failure.js';
import { wide } from './numbers.js';
import { pack, unpack } from './tensor.js';

/** The version that a name means at this moment. */
export function current(name) {
  return version(asked(name, () => host.current(name)));
}

/** What the model makes of tensors by name: `infer('wine', { input: { shape: [1, 2], data: new Float32Array([1, 2]) } })`. */
export function infer(name, inputs) {
  const tensors = Object.entries(inputs).map(([input, tensor]) => {
    const { dtype, shape, data } = pack(input, tensor);
    return { name: input, dtype, shape: shape.map(wide), data };
  });
  const prediction = asked(name, () => host.infer(name, tensors));
  const outputs = Object.fromEntries(prediction.outputs.map((it) => [it.name, unpack(it)]));
  return { version: version(prediction.version), outputs };
}

function version({ model, number, digest }) {
  return { model, number: Number(number), digest };
}

function asked(name, ask) {
  try {
    return ask();
  } catch (thrown) {
    throw explained(payloadOf(thrown), thrown);
  }
}

function explained(error, thrown) {
  switch (error?.tag) {
    case 'not-granted':
      return Failure.fatal('model-not-granted', `model \`${error.val}\` is not granted: add it to \`model\` under [grants]`);
    case 'not-found':
      return Failure.fatal('model-not-found', `model \`${error.val}\` is not registered`);
    case 'invalid':
      return Failure.invalid('bad-tensor', error.val);
    case 'busy':
      return Failure.transient('model-busy', 'the model is busy');
    case 'failed':
      return Failure.fatal('model-failed', `the model failed: ${error.val}`);
    default:
      return thrown;
  }
}
