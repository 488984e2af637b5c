// The files of a job: whole ones below /in, and new ones below /out.

import { getDirectories } from 'wasi:filesystem/preopens@0.2.12';
import { own } from './codec.js';
import { Failure, payloadOf } from './failure.js';
import { wide } from './numbers.js';

/** What is read or written in one go. */
const PIECE = 1 << 20;

const NO_FLAGS = { symlinkFollow: false };
const NEW = { create: true, directory: false, exclusive: false, truncate: true };
const OLD = { create: false, directory: false, exclusive: false, truncate: false };

/** The bytes of a file, piece by piece. */
export function* pieces(path) {
  const [file] = opened(path, false);
  try {
    for (let at = 0, end = false; !end; ) {
      let piece;
      [piece, end] = told(path, () => file.read(wide(PIECE), wide(at)));
      piece = own(piece);
      at += piece.length;
      if (piece.length > 0) yield piece;
    }
  } finally {
    file[Symbol.dispose]?.();
  }
}

/** The bytes of a file. */
export function read(path) {
  const all = [...pieces(path)];
  if (all.length === 1) return all[0];
  const bytes = new Uint8Array(all.reduce((sum, it) => sum + it.length, 0));
  let at = 0;
  for (const piece of all) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** A new file, to be written from its beginning to its end. */
export class Writer {
  #path;
  #file;
  #at = 0;

  constructor(path) {
    this.#path = path;
    [this.#file] = opened(path, true);
  }

  /** Adds bytes at the end. */
  write(bytes) {
    for (let from = 0; from < bytes.length; ) {
      const piece = bytes.subarray(from, from + PIECE);
      const written = Number(told(this.#path, () => this.#file.write(piece, wide(this.#at))));
      if (written === 0) throw Failure.fatal('bad-output', `could not write ${this.#path}: the disk takes no more`);
      from += written;
      this.#at += written;
    }
  }

  /** Ends the file. */
  close() {
    this.#file[Symbol.dispose]?.();
  }
}

function opened(path, isNew) {
  const [, folder, name] = /^\/([^/]+)\/(.+)$/.exec(path) ?? [];
  const [descriptor] = getDirectories().find(([, it]) => it === `/${folder}`) ?? [];
  if (descriptor === undefined) throw Failure.fatal('no-file', `${path} is in no folder of this job`);
  const rights = { read: !isNew, write: isNew, fileIntegritySync: false, dataIntegritySync: false, requestedWriteSync: false, mutateDirectory: false };
  return [told(path, () => descriptor.openAt(NO_FLAGS, name, isNew ? NEW : OLD, rights))];
}

function told(path, ask) {
  try {
    return ask();
  } catch (thrown) {
    const code = payloadOf(thrown);
    if (typeof code !== 'string') throw thrown;
    throw Failure.fatal('file', `${path}: ${code}`);
  }
}
