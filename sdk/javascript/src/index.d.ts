// Functions for Weft in JavaScript and TypeScript.

/** A way into a component: what a function's module exports by default, alone or in a list with others. */
export interface Entry {
  readonly kind: 'handler' | 'http' | 'job';
}

/** A function that gives a value back in a shape, or throws; or an object with such a `parse`, as schema libraries have. */
export type Shape<T> = ((value: unknown, path?: string) => T) | { parse(value: unknown): T };

/** What came of an event: nothing, an output, several, or a value, which becomes one output of the event's type. */
export type Returned = Output | Output[] | Uint8Array | string | number | boolean | object | null | undefined | void;

type Eventual<T> = T | Promise<T>;

/** A handler of events, one by one. */
export function handler<T = unknown>(work: (event: Event<T>, context: Context) => Eventual<Returned>): Entry;
export function handler<T>(
  options: { data?: Shape<T> },
  work: (event: Event<T>, context: Context) => Eventual<Returned>,
): Entry;

/** A handler of whole batches: a list with an answer to each event, in their order; an error is one of them. */
export function batch<T = unknown>(work: (events: Event<T>[], context: Context) => Eventual<(Returned | Error)[]>): Entry;
export function batch<T>(
  options: { data?: Shape<T> },
  work: (events: Event<T>[], context: Context) => Eventual<(Returned | Error)[]>,
): Entry;

/** A request as it came. */
export interface HttpRequest extends Request {
  /** The body read from JSON, in that shape; what does not fit fails with `bad-json`. */
  readJson<T = unknown>(shape?: Shape<T>): Promise<T>;
}

/** A response in parts, for header fields that occur more than once. A body that is an object is written as JSON. */
export interface Parts {
  status?: number;
  headers?: [string, string][] | Record<string, string>;
  body?: ReadableStream<Uint8Array> | Uint8Array | string | object | null;
}

/** A server of HTTP. What it throws is answered as a problem document. */
export function http(work: (request: HttpRequest) => Eventual<Response | Parts | null | undefined | void>): Entry;

/** A job: a program with params, inputs and outputs. */
export function job<P = Record<string, unknown>>(work: (params: P, run: Run) => Eventual<void>): Entry;
export function job<P>(options: { params?: Shape<P> }, work: (params: P, run: Run) => Eventual<void>): Entry;

/** Something that happened. */
export class Event<T = unknown> {
  private constructor();
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject?: string;
  readonly time?: string;
  readonly contentType?: string;
  /** What events are ordered by. */
  readonly key?: Uint8Array;
  readonly inlet: string;
  readonly extensions: Record<string, string>;
  /** The payload, as it arrived. */
  readonly bytes: Uint8Array;
  /** The payload read from JSON, in the shape the handler asks for. No payload is null. */
  readonly data: T;
  /** The payload read from JSON, in that shape; what does not fit fails with `bad-json`. */
  json<S = unknown>(shape?: Shape<S>): S;
  /** The payload as text; what is no UTF-8 fails with `bad-text`. */
  text(): string;
  /** Where on a stream it was read. */
  readonly origin?: { topic: string; partition: number; offset: number };
}

export interface OutputOptions {
  outlet?: string;
  subject?: string;
  contentType?: string;
  key?: string | Uint8Array;
  extensions?: Record<string, string>;
  /** The status where the event was a request. */
  status?: number;
}

/** What a function answers with or sends on. Bytes and text go out as they are, anything else as JSON. */
export class Output<T = unknown> {
  constructor(type: string | undefined, data: T, options?: OutputOptions);
  readonly type: string | undefined;
  readonly data: T;
}

/** An output of that type. */
export function output<T>(type: string, data: T, options?: OutputOptions): Output<T>;

export type FailureKind = 'invalid' | 'transient' | 'fatal';

export interface FailureOptions {
  /** For a transient failure: how long to wait before the next attempt. */
  retryAfterMs?: number;
  cause?: unknown;
}

/** Why there is no answer, to be thrown. Any other error is a fatal failure with the code `error`. */
export class Failure extends Error {
  constructor(kind: FailureKind, code: string, message: string, options?: FailureOptions);
  readonly kind: FailureKind;
  readonly code: string;
  readonly retryAfterMs?: number;
  /** The event or the params are at fault: never retried, 422 over HTTP. */
  static invalid(code: string, message: string, options?: FailureOptions): Failure;
  /** The world is at fault: tried again, 503 over HTTP. */
  static transient(code: string, message: string, options?: FailureOptions): Failure;
  /** The function is at fault: not retried, 500 over HTTP. */
  static fatal(code: string, message: string, options?: FailureOptions): Failure;
}

/** The call a function is in. */
export interface Context {
  readonly callId: string;
  readonly revision: string;
  /** Counted from 1. */
  readonly attempt: number;
  readonly remainingMs: number;
  readonly cancelled: boolean;
  readonly traceparent?: string;
  readonly trigger: { kind: string; name: string };
}

export const context: Context;

type Line = (message: string, fields?: Record<string, unknown>) => void;

/** Log lines with fields, kept with the call. */
export const log: { trace: Line; debug: Line; info: Line; warn: Line; error: Line };

/** Sends a request to where `http` under `[grants]` allows. Redirects are not followed. */
export function fetch(
  url: string | URL,
  init?: {
    method?: string;
    headers?: HeadersInit;
    body?: Uint8Array | string | object;
    /** For the connection, for the answer to begin, and for each next piece of it. */
    timeoutMs?: number;
  },
): Promise<Response>;

/** An input of a job. */
export interface Input {
  readonly name: string;
  readonly path: string;
  readonly digest: string;
  readonly kind: string;
  readonly mediaType: string;
  bytes(): Uint8Array;
  text(): string;
  json<T = unknown>(shape?: Shape<T>): T;
  /** Its bytes, piece by piece. */
  pieces(): Generator<Uint8Array>;
}

/** What a job may know and record about its run. */
export interface Run {
  readonly inputs: Input[];
  input(name: string): Input;
  hasInput(name: string): boolean;
  /** Writes an output: bytes and text as they are, anything else as JSON. */
  write(name: string, data: unknown): void;
  /** An output to be written piece by piece. */
  writer(name: string): { write(data: string | Uint8Array): void; close(): void };
  describe(name: string, kind: string, metadata?: object): void;
  metric(name: string, value: number, step?: number): void;
  result(name: string, value: unknown): void;
  param(name: string, value: unknown): void;
  progress(fraction: number, message?: string): void;
  /** The same for every attempt and every reproduction. */
  readonly seed: bigint;
}

/** Configuration and secrets, as far as they are granted. */
export namespace config {
  function get(name: string): string | undefined;
  function require(name: string): string;
  function all(): Record<string, string>;
}

/** Keyed state, in the buckets that are granted. Values are JSON unless a method says otherwise. */
export namespace keyvalue {
  interface Bucket {
    get<T = unknown>(key: string, shape?: Shape<T>): T | undefined;
    getText(key: string): string | undefined;
    getBytes(key: string): Uint8Array | undefined;
    set(key: string, value: unknown): void;
    setText(key: string, text: string): void;
    setBytes(key: string, bytes: Uint8Array): void;
    delete(key: string): void;
    exists(key: string): boolean;
    increment(key: string, by?: number): number;
    /** Reads, changes and writes as one; `change` may be asked again. */
    update<T = any>(key: string, change: (value: T | undefined) => T): T;
    getMany<T = unknown>(keys: string[]): (T | undefined)[];
    setMany(entries: Record<string, unknown>): void;
    deleteMany(keys: string[]): void;
    keys(): Generator<string>;
  }
  function open(name: string): Bucket;
}

/** Models from the registry, as far as they are granted. */
export namespace model {
  type Dtype =
    | 'BOOL' | 'UINT8' | 'UINT16' | 'UINT32' | 'UINT64' | 'INT8' | 'INT16' | 'INT32' | 'INT64'
    | 'FP16' | 'FP32' | 'FP64' | 'BYTES';
  type Values =
    | number[] | string[] | bigint[]
    | Uint8Array | Uint16Array | Uint32Array | BigUint64Array
    | Int8Array | Int16Array | Int32Array | BigInt64Array | Float32Array | Float64Array;
  interface Tensor {
    /** Of its type where the array has one; plain numbers are FP32, strings BYTES. */
    data: Values;
    /** One dimension, when left out. */
    shape?: number[];
    dtype?: Dtype;
  }
  interface Version {
    model: string;
    number: number;
    digest: string;
  }
  interface Prediction {
    version: Version;
    outputs: Record<string, Required<Tensor>>;
  }
  function current(name: string): Version;
  function infer(name: string, inputs: Record<string, Tensor>): Prediction;
}

/** Events that are sent at once, to what `publish` under `[grants]` names. */
export namespace publish {
  function send(to: string, outputs: Output | Output[]): void;
}

/** Shapes of JSON: functions that give a value back, typed, or throw what is wrong with it and where. */
export namespace shape {
  type Of<T> = (value: unknown, path?: string) => T;
  const string: Of<string>;
  const boolean: Of<boolean>;
  const number: Of<number>;
  const integer: Of<number>;
  const any: Of<unknown>;
  function optional<T>(shape: Of<T>): Of<T | undefined>;
  function optional<T, F>(shape: Of<T>, fallback: F): Of<T | F>;
  function list<T>(shape: Of<T>): Of<T[]>;
  function object<F extends Record<string, Of<any>>>(fields: F): Of<{ [K in keyof F]: ReturnType<F[K]> }>;
  function record<T>(shape: Of<T>): Of<Record<string, T>>;
  function oneOf<const V extends readonly (string | number | boolean)[]>(...values: V): Of<V[number]>;
}
