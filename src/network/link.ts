import type { Clock } from '../lib/clock.ts';
import { TunneliteError } from '../lib/errors.ts';
import { LINES, type LineFigures, type LineName } from '../lib/lines.ts';
import type { RandomSource } from '../lib/random.ts';

/** Quality of a path, equal in both directions except for the rate. */
export interface LinkQuality {
  /** One-way delay of every packet in milliseconds. */
  readonly delay: number;
  /** Maximum additional random delay of each packet in milliseconds. */
  readonly jitter: number;
  /** Fraction of packets that are lost, from 0 to below 1. TCP repeats them, which takes time; datagrams are lost. */
  readonly loss: number;
  /** Bytes per second to the client and from it; Infinity = unlimited. */
  readonly down: number;
  readonly up: number;
}

const BYTES_IN_KBIT = 1000 / 8;

/** The link of a line. */
const linkOf = ({ down, up, roundTrip, jitter, loss }: LineFigures): LinkQuality => ({
  delay: roundTrip / 2,
  jitter,
  loss,
  down: down * BYTES_IN_KBIT,
  up: up * BYTES_IN_KBIT,
});

export type LinkName = LineName;

/** Links by name; see `LINES` for the sources of the figures. */
export const LINKS = Object.fromEntries(
  Object.entries(LINES).map(([name, figures]) => [name, linkOf(figures)]),
) as Readonly<Record<LinkName, LinkQuality>>;

/** Longest queueing time of a datagram in milliseconds, like the buffers of access routers; beyond it the datagram is lost. */
const MAX_QUEUE_MS = 1000;

/** Time before TCP repeats a segment, in milliseconds: RFC 6298 §2 requires one second, operating systems use 200 ms. */
const REPEAT_MS = 200;

/** Most consecutive losses of a segment. */
const MAX_REPEATS = 6;

/**
 * The first writes of a connection in each direction do not take time for their bytes: they are the TLS handshake, in which the length of
 * signatures and tickets varies from run to run, which would change all later times.
 */
const HANDSHAKE_WRITES = 8;

export type Direction = 'up' | 'down';

/** The path between one client and the network. Changes apply to packets sent afterward. */
export class Link {
  readonly clock: Clock;
  readonly #random: RandomSource;
  #quality: LinkQuality;
  #udp = true;
  #tcp = true;
  /** When each direction has finished sending its queued bytes. */
  readonly #free = { up: 0, down: 0 };
  #waiting: (() => void)[] = [];
  #sent = 0;
  #lost = 0;

  constructor(clock: Clock, random: RandomSource, quality: LinkQuality) {
    this.clock = clock;
    this.#random = random;
    this.#quality = quality;
  }

  get quality(): LinkQuality {
    return this.#quality;
  }

  /** Number of datagrams sent and lost. */
  get stats(): { readonly sent: number; readonly lost: number } {
    return { sent: this.#sent, lost: this.#lost };
  }

  /** Changes the quality of the link. */
  set(change: Partial<LinkQuality>): void {
    this.#quality = { ...this.#quality, ...change };
  }

  get udp(): boolean {
    return this.#udp;
  }

  get tcp(): boolean {
    return this.#tcp;
  }

  /** Passes or drops datagrams. */
  passUdp(pass: boolean): void {
    this.#udp = pass;
  }

  /** Passes or holds TCP data; held data is repeated until the path works again, as in TCP. */
  passTcp(pass: boolean): void {
    this.#tcp = pass;
    if (!pass) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }

  /** Sends a datagram. Calls `arrive` when it arrives, unless it is lost. */
  datagram(direction: Direction, bytes: number, arrive: () => void): void {
    this.#sent++;
    const { loss } = this.#quality;
    const wait = this.#turn(direction, 0);
    if (!this.#udp || (loss > 0 && this.#random.float() < loss) || wait > MAX_QUEUE_MS) {
      this.#lost++;
      return;
    }
    this.clock.setTimer(this.#turn(direction, bytes) + this.#flight(), arrive);
  }

  /** Milliseconds that TCP needs for some bytes: queueing, delay, and repetitions of lost segments. */
  segment(direction: Direction, bytes: number): number {
    const { loss } = this.#quality;
    let repeats = 0;
    for (let n = 0; loss > 0 && n < MAX_REPEATS && this.#random.float() < loss; n++) repeats += REPEAT_MS * 2 ** n;
    return this.#turn(direction, bytes) + this.#flight() + repeats;
  }

  /** Calls back when TCP can pass, usually at once. */
  whenTcp(go: () => void): void {
    if (this.#tcp) go();
    else this.#waiting.push(go);
  }

  /** Milliseconds until this many more bytes are sent. */
  #turn(direction: Direction, bytes: number): number {
    const rate = this.#quality[direction];
    if (rate === Infinity) return 0;
    const now = this.clock.monotonic();
    const free = Math.max(now, this.#free[direction]) + (bytes / rate) * 1000;
    this.#free[direction] = free;
    return free - now;
  }

  #flight(): number {
    const { delay, jitter } = this.#quality;
    return jitter > 0 ? delay + this.#random.float() * jitter : delay;
  }
}

/** One direction of one TCP connection: bytes arrive in order, however long some of them take. */
export class TcpWay {
  readonly #link: Link;
  readonly #direction: Direction;
  #arrivesAt = 0;
  #writes = 0;
  /** Data sent while the path was blocked, and data queued behind it. */
  #held: { readonly bytes: number; readonly arrive: () => void }[] = [];

  constructor(link: Link, direction: Direction) {
    this.#link = link;
    this.#direction = direction;
  }

  send(bytes: number, arrive: () => void): void {
    const counted = this.#writes++ < HANDSHAKE_WRITES ? 0 : bytes;
    if (this.#held.length === 0 && this.#link.tcp) {
      this.#go(counted, arrive);
      return;
    }
    this.#held.push({ bytes: counted, arrive });
    if (this.#held.length === 1) this.#link.whenTcp(() => this.#release());
  }

  #release(): void {
    const held = this.#held;
    this.#held = [];
    for (const { bytes, arrive } of held) this.#go(bytes, arrive);
  }

  #go(bytes: number, arrive: () => void): void {
    const { clock } = this.#link;
    const now = clock.monotonic();
    this.#arrivesAt = Math.max(this.#arrivesAt, now + this.#link.segment(this.#direction, bytes));
    clock.setTimer(this.#arrivesAt - now, arrive);
  }
}

/**
 * A link by name, or with custom quality; omitted values are those of `lan`.
 * @throws TunneliteError `ERR_NETWORK_LINK`
 */
export function linkQuality(link: LinkName | Partial<LinkQuality>): LinkQuality {
  if (typeof link === 'string') {
    if (Object.hasOwn(LINKS, link)) return LINKS[link];
    throw new TunneliteError(
      'ERR_NETWORK_LINK',
      `There is no link “${link}”. Use one of ${Object.keys(LINKS).join(', ')}.`,
    );
  }
  const quality = { ...LINKS.lan, ...link };
  const { delay, jitter, loss, down, up } = quality;
  const good =
    delay >= 0 && jitter >= 0 && loss >= 0 && loss < 1 && down > 0 && up > 0 && delay < Infinity && jitter < Infinity;
  if (good) return quality;
  throw new TunneliteError(
    'ERR_NETWORK_LINK',
    `A link has a delay and jitter of 0 ms or more, a loss from 0 to below 1, and rates above 0; not ${JSON.stringify(link)}.`,
  );
}
