// Something that happened, as a handler sees it.

import { origin } from 'weft:function/context@0.1.0';
import { jsonOf, own, textOf } from './codec.js';
import { maybe } from './numbers.js';

export class Event {
  #index;
  #shape;
  #data;

  constructor(raw, index, shape) {
    this.#index = index;
    this.#shape = shape;
    this.id = raw.id;
    this.source = raw.source;
    this.type = raw.type;
    this.subject = maybe(raw.subject);
    this.time = maybe(raw.time);
    this.contentType = maybe(raw.contentType);
    const key = maybe(raw.key);
    this.key = key && own(key);
    this.inlet = raw.inlet;
    this.extensions = Object.fromEntries(raw.extensions);
    this.bytes = own(raw.data);
  }

  /** The payload read from JSON, in the shape the handler asks for. */
  get data() {
    this.#data ??= { value: jsonOf(this.bytes, this.#shape) };
    return this.#data.value;
  }

  /** The payload read from JSON, in that shape. */
  json(shape) {
    return jsonOf(this.bytes, shape);
  }

  /** The payload as text. */
  text() {
    return textOf(this.bytes);
  }

  /** Where on a stream it was read; undefined where it came from none. */
  get origin() {
    const place = maybe(origin(this.#index));
    return place && { topic: place.topic, partition: place.partition, offset: Number(place.offset) };
  }
}
