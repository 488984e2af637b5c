// What a function answers with or sends on.

import { encode } from './codec.js';

export class Output {
  constructor(type, data, { outlet = '', subject, contentType, key, extensions = {}, status } = {}) {
    this.type = type;
    this.data = data;
    this.outlet = outlet;
    this.subject = subject;
    this.contentType = contentType;
    this.key = key;
    this.extensions = status === undefined ? extensions : { ...extensions, httpstatus: String(status) };
  }
}

/** An output of that type. */
export function output(type, data, options) {
  return new Output(type, data, options);
}

/** What a handler returned, as a list of outputs: nothing, an output, several, or a value of the event's type. */
export function outputsOf(returned, type) {
  if (returned === undefined || returned === null) return [];
  if (returned instanceof Output) return [toWit(returned, type)];
  if (Array.isArray(returned) && returned.every((it) => it instanceof Output)) {
    return returned.map((it) => toWit(it, type));
  }
  return [toWit(new Output(type, returned), type)];
}

/** An output as the contract has it. */
function toWit(it, type) {
  const { bytes, contentType } = encode(it.data, it.contentType);
  const key = it.key === undefined || it.key === null ? undefined : encode(it.key).bytes;
  return {
    outlet: it.outlet,
    type: it.type ?? type,
    subject: it.subject,
    contentType,
    key,
    extensions: Object.entries(it.extensions).map(([name, value]) => [name, String(value)]),
    data: bytes,
  };
}
