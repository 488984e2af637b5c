// What QuickJS lacks of the web and this package needs: text as bytes and back, a console, and numbers that are random
// although the engine was started long before.

import { getStderr } from 'wasi:cli/stderr@0.2.12';
import { getStdout } from 'wasi:cli/stdout@0.2.12';
import { getRandomBytes } from 'wasi:random/random@0.2.12';

/** The most that may be written to a stream at once. */
const MOST = 4096;

class Encoder {
  get encoding() {
    return 'utf-8';
  }

  encode(text = '') {
    const bytes = new Uint8Array(text.length * 3);
    let at = 0;
    // By code point: a half of a surrogate pair that stands alone becomes U+FFFD.
    for (const character of String(text)) {
      let code = character.codePointAt(0);
      if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
      if (code < 0x80) {
        bytes[at++] = code;
        continue;
      }
      if (code >= 0x10000) {
        bytes[at++] = 0xf0 | (code >> 18);
        bytes[at++] = 0x80 | ((code >> 12) & 0x3f);
      } else if (code >= 0x800) {
        bytes[at++] = 0xe0 | (code >> 12);
      }
      if (code >= 0x800) bytes[at++] = 0x80 | ((code >> 6) & 0x3f);
      else bytes[at++] = 0xc0 | (code >> 6);
      bytes[at++] = 0x80 | (code & 0x3f);
    }
    return bytes.slice(0, at);
  }
}

/** For a lead byte: how many bytes follow, the least the first may be, and the most. */
function follows(lead) {
  if (lead >= 0xc2 && lead <= 0xdf) return [1, 0x80, 0xbf];
  if (lead === 0xe0) return [2, 0xa0, 0xbf];
  if (lead === 0xed) return [2, 0x80, 0x9f];
  if (lead >= 0xe1 && lead <= 0xef) return [2, 0x80, 0xbf];
  if (lead === 0xf0) return [3, 0x90, 0xbf];
  if (lead >= 0xf1 && lead <= 0xf3) return [3, 0x80, 0xbf];
  if (lead === 0xf4) return [3, 0x80, 0x8f];
  return undefined;
}

class Decoder {
  #fatal;
  #ignoreBOM;

  constructor(label = 'utf-8', { fatal = false, ignoreBOM = false } = {}) {
    if (!/^utf-?8$/i.test(label)) throw new RangeError(`only utf-8 can be decoded here, not ${label}`);
    this.#fatal = fatal;
    this.#ignoreBOM = ignoreBOM;
  }

  get encoding() {
    return 'utf-8';
  }

  decode(input = new Uint8Array()) {
    const bytes = input instanceof Uint8Array ? input : new Uint8Array(input.buffer ?? input);
    const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    let at = hasMark && !this.#ignoreBOM ? 3 : 0;
    let text = '';
    let codes = [];
    while (at < bytes.length) {
      const [code, length] = this.#next(bytes, at);
      codes.push(code);
      at += length;
      // In pieces: a call takes only so many arguments.
      if (codes.length === 4096) {
        text += String.fromCodePoint(...codes);
        codes = [];
      }
    }
    return text + String.fromCodePoint(...codes);
  }

  #next(bytes, at) {
    const lead = bytes[at];
    if (lead < 0x80) return [lead, 1];
    const [count, least, most] = follows(lead) ?? [0];
    if (count === 0) return this.#wrong(1);
    let code = lead & (0x3f >> count);
    for (let index = 1; index <= count; index += 1) {
      const next = bytes[at + index];
      const fits = next !== undefined && next >= (index === 1 ? least : 0x80) && next <= (index === 1 ? most : 0xbf);
      if (!fits) return this.#wrong(index);
      code = (code << 6) | (next & 0x3f);
    }
    return [code, count + 1];
  }

  #wrong(length) {
    if (this.#fatal) throw new TypeError('the bytes are no UTF-8');
    return [0xfffd, length];
  }
}

function print(stream, values) {
  const text = values.map((it) => (typeof it === 'string' ? it : shown(it))).join(' ');
  const bytes = new Encoder().encode(`${text}\n`);
  const out = stream();
  for (let at = 0; at < bytes.length; at += MOST) out.blockingWriteAndFlush(bytes.subarray(at, at + MOST));
  out[Symbol.dispose]?.();
}

function shown(value) {
  if (value instanceof Error) return `${value}\n${value.stack ?? ''}`;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

/** Numbers from 0 to 1, by sfc32, from a seed of the host's. */
function generator() {
  const seed = getRandomBytes(12);
  const word = (at) => seed[at] | (seed[at + 1] << 8) | (seed[at + 2] << 16) | (seed[at + 3] << 24);
  let [a, b, c, counter] = [word(0), word(4), word(8), 1];
  const next = () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  // The first numbers still look like the seed.
  for (let index = 0; index < 12; index += 1) next();
  return () => ((next() >>> 5) * 0x4000000 + (next() >>> 6)) / 2 ** 53;
}

let random;

const out = (...values) => print(getStdout, values);
const err = (...values) => print(getStderr, values);

globalThis.TextEncoder ??= Encoder;
globalThis.TextDecoder ??= Decoder;
globalThis.console ??= { log: out, info: out, debug: out, trace: err, warn: err, error: err };
Math.random = () => (random ??= generator())();
