// Payloads: bytes as they are, text as UTF-8, everything else as JSON.

import { Failure } from './failure.js';

const encoder = new TextEncoder();
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder('utf-8', { ignoreBOM: true });

const TEXT = 'text/plain; charset=utf-8';
const JSON_TYPE = 'application/json';
const BYTES = 'application/octet-stream';

/** Bytes of the host as one's own: it makes them in a world beside, where a Uint8Array is another class. */
export function own(bytes) {
  return bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Text as bytes of UTF-8. */
export function utf8(text) {
  return encoder.encode(text);
}

/** Bytes as text; what is no UTF-8 is replaced. */
export function anyText(bytes) {
  return lenient.decode(bytes);
}

/** Bytes as text. */
export function textOf(bytes) {
  try {
    return strict.decode(bytes);
  } catch {
    throw Failure.invalid('bad-text', 'the payload is no UTF-8');
  }
}

/** Bytes as JSON, checked by `shape` where there is one. No payload reads as null. */
export function jsonOf(bytes, shape, code = 'bad-json') {
  const invalid = (why) => Failure.invalid(code, why);
  let value = null;
  if (bytes.length > 0) {
    let text;
    try {
      text = strict.decode(bytes);
    } catch {
      throw invalid('it is no UTF-8, so it is no JSON');
    }
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw invalid(`it is no JSON: ${error.message}`);
    }
  }
  return shaped(value, shape, code);
}

/** A value checked by a shape: a function that gives it back or throws, or an object with such a `parse`. */
export function shaped(value, shape, code) {
  if (shape === undefined) return value;
  try {
    return typeof shape === 'function' ? shape(value, '') : shape.parse(value);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw Failure.invalid(code, error?.message ?? String(error));
  }
}

/** A value as bytes and their media type. */
export function encode(value, contentType) {
  if (value === undefined || value === null) return { bytes: new Uint8Array(), contentType };
  if (ArrayBuffer.isView(value)) return { bytes: own(value), contentType: contentType ?? BYTES };
  if (value instanceof ArrayBuffer) return { bytes: new Uint8Array(value), contentType: contentType ?? BYTES };
  if (typeof value === 'string' && !isJson(contentType)) {
    return { bytes: utf8(value), contentType: contentType ?? TEXT };
  }
  return { bytes: utf8(toJson(value)), contentType: contentType ?? JSON_TYPE };
}

/** A value as JSON text. */
export function toJson(value, code = 'bad-output') {
  let text;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw Failure.fatal(code, `it cannot be written as JSON: ${error.message}`);
  }
  if (text === undefined) throw Failure.fatal(code, `a ${typeof value} cannot be written as JSON`);
  return text;
}

function isJson(contentType) {
  return contentType !== undefined && /[/+]json\b/i.test(contentType);
}
