import type { Clock } from '../lib/clock.ts';
import type { RandomSource } from '../lib/random.ts';

/**
 * Kind of NAT between a client and the network (RFC 4787): none; `easy`, which uses one port per socket for all destinations and keeps
 * it for five minutes (REQ-1, REQ-5); or `hard`, which uses a different random port for each destination and drops it after 30 seconds,
 * like those of carriers and firewalls.
 */
export type NatKind = 'none' | 'easy' | 'hard';

const MAPPING_MS: Readonly<Record<NatKind, number>> = { none: Infinity, easy: 300_000, hard: 30_000 };

const FIRST_PORT = 1024;
const PORTS = 65_536 - FIRST_PORT;

interface Mapping {
  readonly key: string;
  readonly inside: number;
  /** The only remote port from which datagrams are accepted; undefined = any. */
  readonly remote: number | undefined;
  port: number;
  usedAt: number;
}

/** The public ports of a client's datagram sockets. */
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

  /** Number of times an existing mapping got another port. */
  get rebinds(): number {
    return this.#rebinds;
  }

  /** The public source port of a datagram from this socket to that remote port. */
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

  /** The socket for a datagram to this port; undefined = dropped. */
  inbound(port: number, remote: number): number | undefined {
    const mapping = this.#byPort.get(port);
    if (!mapping) return undefined;
    if (mapping.remote !== undefined && mapping.remote !== remote) return undefined;
    const now = this.#clock.monotonic();
    if (now - mapping.usedAt > MAPPING_MS[this.kind]) return undefined;
    if (this.kind !== 'hard') mapping.usedAt = now;
    return mapping.inside;
  }

  /** Gives every mapping another port, like a restarted NAT; the old ports stop working. */
  rebind(): void {
    for (const mapping of [...this.#mappings.values()]) {
      this.#forget(mapping);
      this.#add({ ...mapping, port: this.#draw() });
      this.#rebinds++;
    }
  }

  /** Removes a closed socket. */
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

  /** This port, or the next free one. */
  #free(wanted: number): number {
    let port = wanted;
    while (this.#byPort.has(port)) port = FIRST_PORT + ((port + 1 - FIRST_PORT) % PORTS);
    return port;
  }
}
