import type { Clock } from '../lib/clock.ts';
import {
  type DatagramDirection,
  type DatagramPlace,
  type Endpoint,
  endpointOf,
  type PassingDatagram,
} from '../udp/index.ts';
import type { Overtaken } from './overtaken.ts';
import type { Rule } from './rule.ts';

const DEFAULT_QUEUE_MS = 200;
const DEFAULT_REORDER_MS = 200;
const DEFAULT_MAX_HELD = 4096;

/** A client that appears to use another port. */
interface Rebinding {
  readonly rule: Rule;
  readonly real: Endpoint;
  readonly seeming: Endpoint;
}

/** State of a rule for one direction. */
interface Line {
  /** Monotonic time at which the last delayed datagram continues, and at which the line is free. */
  due: number;
  free: number;
}

/** Applies the actions of rules to datagrams. */
export class DatagramActions {
  readonly #clock: Clock;
  readonly #lines = new WeakMap<Rule, Readonly<Record<DatagramDirection, Line>>>();
  readonly #byReal = new Map<string, Rebinding>();
  readonly #bySeeming = new Map<string, Rebinding>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Translates the client's endpoint, as the NAT simulated by a rule would. */
  translate(datagram: PassingDatagram): void {
    if (this.#byReal.size === 0) return;
    const { direction, remote } = datagram;
    if (direction === 'in') datagram.remote = this.#byReal.get(remote.key)?.seeming ?? remote;
    else datagram.remote = this.#bySeeming.get(remote.key)?.real ?? remote;
  }

  /** Stops the effects of a rule. */
  forget(rule: Rule): void {
    for (const [key, one] of this.#byReal) if (one.rule === rule) this.#byReal.delete(key);
    for (const [key, one] of this.#bySeeming) if (one.rule === rule) this.#bySeeming.delete(key);
  }

  /** True: the datagram continues at once. */
  act(rule: Rule, datagram: PassingDatagram, place: DatagramPlace, overtaken: Overtaken): boolean {
    const { action } = rule;
    const { direction, buffer, offset, length, remote } = datagram;
    switch (action.do) {
      case 'drop':
        return false;
      case 'mtu_blackhole':
        if (action.icmp) place.tooBig?.(datagram, action.bytes!);
        return false;
      case 'corrupt':
        flip(buffer, offset, length, action.bit ?? rule.random.uint32());
        return true;
      case 'nat_rebind':
        if (direction === 'in') this.#rebind(rule, datagram, place);
        return true;
      default:
    }
    const copy = Buffer.from(buffer.subarray(offset, offset + length));
    const go = (bytes: Buffer): void => place.later(direction, bytes, remote);
    const line = this.#lineOf(rule, direction);
    const now = this.#clock.monotonic();
    switch (action.do) {
      case 'delay': {
        const ms = action.ms! + (action.jitter ? rule.random.float() * action.jitter : 0);
        line.due = Math.max(line.due, now + ms);
        this.#keep(rule, copy, go, line.due - now);
        return false;
      }
      case 'jitter':
        this.#keep(rule, copy, go, rule.random.float() * action.ms!);
        return false;
      case 'rate': {
        const begin = Math.max(line.free, now);
        if (begin - now > (action.queue ?? DEFAULT_QUEUE_MS)) return false;
        line.free = begin + (length * 8) / action.kbps!;
        line.due = Math.max(line.due, line.free + (action.ms ?? 0) + rule.random.float() * (action.jitter ?? 0));
        this.#keep(rule, copy, go, line.due - now);
        return false;
      }
      case 'duplicate':
        for (let i = 1; i <= (action.copies ?? 1); i++) this.#keep(rule, copy, go, (action.ms ?? 0) * i);
        return true;
      case 'reorder': {
        const entry = { left: action.by ?? 1, go: nothing };
        const release = this.#keep(
          rule,
          copy,
          (bytes) => {
            overtaken.remove(direction, entry);
            go(bytes);
          },
          action.ms ?? DEFAULT_REORDER_MS,
        );
        entry.go = release;
        if (release !== nothing) overtaken.add(direction, entry);
        return false;
      }
      case 'hold':
        if (rule.held() >= (action.max ?? DEFAULT_MAX_HELD)) rule.tellFull();
        else this.#keep(rule, copy, go);
        return false;
      default:
        return true;
    }
  }

  #keep(rule: Rule, bytes: Buffer, go: (bytes: Buffer) => void, ms?: number): () => void {
    const release = rule.waiting.keep(bytes, go, ms);
    if (release === undefined) rule.tellFull();
    return release ?? nothing;
  }

  #lineOf(rule: Rule, direction: DatagramDirection): Line {
    let lines = this.#lines.get(rule);
    if (!lines) this.#lines.set(rule, (lines = { in: newLine(), out: newLine() }));
    return lines[direction];
  }

  #rebind(rule: Rule, datagram: PassingDatagram, place: DatagramPlace): void {
    const seen = datagram.remote;
    // It may have moved before: the current endpoint then appears as another.
    const { real } = this.#bySeeming.get(seen.key) ?? { real: seen };
    let port = seen.port;
    do port = 1024 + (rule.random.uint32() % 64_000);
    while (this.#bySeeming.has(endpointOf(seen.address, port).key) || port === real.port);
    const rebinding = { rule, real, seeming: place.endpoint(seen.address, port) };
    this.#bySeeming.delete(seen.key);
    this.#byReal.set(real.key, rebinding);
    this.#bySeeming.set(rebinding.seeming.key, rebinding);
    datagram.remote = rebinding.seeming;
  }
}

const nothing = (): void => {};
const newLine = (): Line => ({ due: 0, free: 0 });

function flip(buffer: Buffer, offset: number, length: number, bit: number): void {
  if (length === 0) return;
  const at = bit % (length * 8);
  buffer[offset + (at >> 3)]! ^= 1 << (at & 7);
}
