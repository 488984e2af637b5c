// Tensors between typed arrays and bytes, row by row and little-endian, as WebAssembly is.

import { anyText, own, utf8 } from './codec.js';
import { Failure } from './failure.js';

/** By the name in the contract: the Open Inference Protocol's name, and the array that holds it. */
const TYPES = {
  boolean: ['BOOL', Uint8Array],
  uint8: ['UINT8', Uint8Array],
  uint16: ['UINT16', Uint16Array],
  uint32: ['UINT32', Uint32Array],
  uint64: ['UINT64', BigUint64Array],
  int8: ['INT8', Int8Array],
  int16: ['INT16', Int16Array],
  int32: ['INT32', Int32Array],
  int64: ['INT64', BigInt64Array],
  fp16: ['FP16', Uint16Array],
  fp32: ['FP32', Float32Array],
  fp64: ['FP64', Float64Array],
  bytes: ['BYTES', Array],
};

/** A tensor as the contract has it. Plain numbers are FP32, strings BYTES, unless `dtype` says otherwise. */
export function pack(name, { shape, data, dtype }) {
  const kind = dtype === undefined ? kindOf(data) : Object.keys(TYPES).find((it) => TYPES[it][0] === dtype);
  const holder = kind && TYPES[kind][1];
  if (holder === undefined) throw Failure.invalid('bad-tensor', `tensor \`${name}\` has no such type: ${dtype}`);
  const dims = shape ?? [data.length];
  if (holder === Array) return { dtype: kind, shape: dims, data: strings(data) };
  return { dtype: kind, shape: dims, data: bytesOf(name, data, holder) };
}

/** A tensor of the host: its values as the array of their type, BYTES as texts. */
export function unpack({ dtype, shape, data }) {
  const [named, holder] = TYPES[dtype];
  const dims = Array.from(shape, Number);
  if (holder === Array) return { dtype: named, shape: dims, data: texts(data) };
  // The bytes may begin anywhere in the memory they are in; an array of numbers may not.
  const aligned = own(data).slice();
  return { dtype: named, shape: dims, data: new holder(aligned.buffer, 0, aligned.length / holder.BYTES_PER_ELEMENT) };
}

function kindOf(data) {
  if (Array.isArray(data)) return typeof data[0] === 'string' || ArrayBuffer.isView(data[0]) ? 'bytes' : 'fp32';
  return Object.keys(TYPES).find((it) => it !== 'boolean' && it !== 'fp16' && data instanceof TYPES[it][1]);
}

function bytesOf(name, data, holder) {
  try {
    const isBig = holder === BigInt64Array || holder === BigUint64Array;
    const values = data instanceof holder ? data : holder.from(data, isBig ? BigInt : Number);
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  } catch (error) {
    throw Failure.invalid('bad-tensor', `tensor \`${name}\` cannot be written: ${error.message}`);
  }
}

/** Each element follows its length. */
function strings(values) {
  const items = Array.from(values, (it) => (ArrayBuffer.isView(it) ? own(it) : utf8(String(it))));
  const bytes = new Uint8Array(items.reduce((sum, it) => sum + 4 + it.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const item of items) {
    view.setUint32(at, item.length, true);
    bytes.set(item, at + 4);
    at += 4 + item.length;
  }
  return bytes;
}

function texts(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = view.getUint32(at, true);
    values.push(anyText(own(bytes).subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return values;
}
