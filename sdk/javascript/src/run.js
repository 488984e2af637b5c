// What a job may know and record about its run.

import * as host from 'weft:function/run@0.1.0';
import { encode, jsonOf, textOf, toJson, utf8 } from './codec.js';
import { Failure, payloadOf } from './failure.js';
import { Writer, pieces, read } from './files.js';
import { wide } from './numbers.js';

/** An input: a file to be read. */
class Input {
  constructor({ name, path, digest, kind, mediaType }) {
    Object.assign(this, { name, path, digest, kind, mediaType });
  }

  /** Everything in it. */
  bytes() {
    return read(this.path);
  }

  /** Everything in it, as text. */
  text() {
    return textOf(this.bytes());
  }

  /** Everything in it, read from JSON. */
  json(shape) {
    return jsonOf(this.bytes(), shape);
  }

  /** Its bytes, piece by piece, for what does not fit into memory. */
  pieces() {
    return pieces(this.path);
  }
}

export class Run {
  /** The inputs, in the manifest's order. */
  get inputs() {
    return host.inputs().map((it) => new Input(it));
  }

  /** The input of that name. */
  input(name) {
    const inputs = this.inputs;
    const found = inputs.find((it) => it.name === name);
    if (found !== undefined) return found;
    const names = inputs.map((it) => it.name).join(', ') || 'none';
    throw Failure.fatal('no-input', `the run has no input \`${name}\`; it has ${names}`);
  }

  /** Whether there is an input of that name. */
  hasInput(name) {
    return host.inputs().some((it) => it.name === name);
  }

  /** Writes an output: bytes and text as they are, anything else as JSON. */
  write(name, data) {
    const writer = this.writer(name);
    writer.write(encode(data).bytes);
    writer.close();
  }

  /** An output to be written piece by piece. */
  writer(name) {
    const writer = new Writer(`/out/${name}`);
    return { write: (data) => writer.write(typeof data === 'string' ? utf8(data) : data), close: () => writer.close() };
  }

  /** Says what an output is, for whoever finds it among the artifacts. */
  describe(name, kind, metadata = {}) {
    try {
      host.describeOutput(name, kind, toJson(metadata));
    } catch (thrown) {
      const why = payloadOf(thrown);
      throw typeof why === 'string' ? Failure.fatal('bad-output', why) : thrown;
    }
  }

  /** Records a measurement, at a step of training where there is one. */
  metric(name, value, step) {
    // One engine cannot hand the host an integer of 64 bits that is below 0.
    if (step < 0) throw Failure.fatal('bad-result', `the steps of \`${name}\` begin with 0, not with ${step}`);
    host.logMetric(name, value, step === undefined ? undefined : wide(step));
  }

  /** Records a result. */
  result(name, value) {
    host.logResult(name, toJson(value, 'bad-result'));
  }

  /** Records a param that the job chose itself. */
  param(name, value) {
    host.logParam(name, toJson(value, 'bad-result'));
  }

  /** Says how far the job is, from 0 to 1, and what it is doing. */
  progress(fraction, message = '') {
    host.progress(fraction, message);
  }

  /** The seed of this step: the same for every attempt and every reproduction of it. */
  get seed() {
    return BigInt(host.seed());
  }
}
