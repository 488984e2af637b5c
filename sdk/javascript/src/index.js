// Functions for Weft in JavaScript and TypeScript.

export { batch, handler } from './entry/handler.js';
export { http } from './entry/http.js';
export { job } from './entry/job.js';
export { Failure } from './failure.js';
export { Output, output } from './output.js';
export { context } from './context.js';
export { log } from './log.js';
export { fetch } from './fetch.js';
export * as config from './config.js';
export * as keyvalue from './keyvalue.js';
export * as model from './model.js';
export * as publish from './publish.js';
export * as shape from './shape.js';
