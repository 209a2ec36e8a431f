import type { Clock } from '../lib/clock.ts';
import type { RandomSource } from '../lib/random.ts';

/**
 * What stands between a client and the network (RFC 4787): nothing; a NAT that gives a socket one port, whoever it sends to, and
 * remembers it for five minutes (REQ-1, REQ-5); or one that gives each destination a port of its own, without order, and forgets it
 * after half a minute, as those of carriers and firewalls do.
 */
export type NatKind = 'none' | 'easy' | 'hard';

const MAPPING_MS: Readonly<Record<NatKind, number>> = { none: Infinity, easy: 300_000, hard: 30_000 };

const FIRST_PORT = 1024;
const PORTS = 65_536 - FIRST_PORT;

interface Mapping {
  readonly key: string;
  readonly inside: number;
  /** Only from there are datagrams let in; undefined = from anywhere. */
  readonly remote: number | undefined;
  port: number;
  usedAt: number;
}

/** The ports by which a client's datagram sockets are known outside. */
export class Nat {
  readonly kind: NatKind;
  readonly #clock: Clock;
  readonly #random: RandomSource;
  readonly #mappings = new Map<string, Mapping>();
  readonly #byPort = new Map<number, Mapping>();
  #rebinds = 0;

  constructor(kind: NatKind, clock: Clock, random: RandomSource) {
    this.kind = kind;
    this.#clock = clock;
    this.#random = random;
  }

  /** How many times something that had a port got another one. */
  get rebinds(): number {
    return this.#rebinds;
  }

  /** The port that a datagram from this socket to that port comes from. */
  outbound(inside: number, remote: number): number {
    const key = this.kind === 'hard' ? `${inside} ${remote}` : `${inside}`;
    const now = this.#clock.monotonic();
    const known = this.#mappings.get(key);
    if (known && now - known.usedAt <= MAPPING_MS[this.kind]) {
      known.usedAt = now;
      return known.port;
    }
    if (known) this.#forget(known);
    const port = this.kind === 'hard' || known ? this.#draw() : this.#free(inside);
    this.#add({ key, inside, remote: this.kind === 'hard' ? remote : undefined, port, usedAt: now });
    if (known) this.#rebinds++;
    return port;
  }

  /** The socket that a datagram to this port is for; undefined = it is dropped. */
  inbound(port: number, remote: number): number | undefined {
    const mapping = this.#byPort.get(port);
    if (!mapping) return undefined;
    if (mapping.remote !== undefined && mapping.remote !== remote) return undefined;
    const now = this.#clock.monotonic();
    if (now - mapping.usedAt > MAPPING_MS[this.kind]) return undefined;
    if (this.kind !== 'hard') mapping.usedAt = now;
    return mapping.inside;
  }

  /** Gives every mapping another port, as a NAT does that was restarted: the old ones lead nowhere. */
  rebind(): void {
    for (const mapping of [...this.#mappings.values()]) {
      this.#forget(mapping);
      this.#add({ ...mapping, port: this.#draw() });
      this.#rebinds++;
    }
  }

  /** A socket was closed. */
  close(inside: number): void {
    for (const mapping of [...this.#mappings.values()]) if (mapping.inside === inside) this.#forget(mapping);
  }

  #add(mapping: Mapping): void {
    this.#mappings.set(mapping.key, mapping);
    this.#byPort.set(mapping.port, mapping);
  }

  #forget(mapping: Mapping): void {
    this.#mappings.delete(mapping.key);
    if (this.#byPort.get(mapping.port) === mapping) this.#byPort.delete(mapping.port);
  }

  #draw(): number {
    return this.#free(FIRST_PORT + (this.#random.uint32() % PORTS));
  }

  /** This port, or the next one that is free. */
  #free(wanted: number): number {
    let port = wanted;
    while (this.#byPort.has(port)) port = FIRST_PORT + ((port + 1 - FIRST_PORT) % PORTS);
    return port;
  }
}
