// The call: who asked, how often, and how long there is.

import * as host from 'weft:function/context@0.1.0';
import { maybe } from './numbers.js';

export const context = {
  get callId() {
    return host.callId();
  },
  get revision() {
    return host.revision();
  },
  get attempt() {
    return host.attempt();
  },
  get remainingMs() {
    return Number(host.remainingMs());
  },
  get cancelled() {
    return host.cancelled();
  },
  get traceparent() {
    return maybe(host.traceparent());
  },
  get trigger() {
    const [kind, name] = host.trigger();
    return { kind, name };
  },
};
