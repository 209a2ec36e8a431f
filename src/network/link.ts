import type { Clock } from '../lib/clock.ts';
import { TunneliteError } from '../lib/errors.ts';
import { LINES, type LineFigures, type LineName } from '../lib/lines.ts';
import type { RandomSource } from '../lib/random.ts';

/** How good a way is, the same in both directions but for the rate. */
export interface LinkQuality {
  /** Milliseconds that every packet takes, one way. */
  readonly delay: number;
  /** Up to so many milliseconds more, drawn for each packet. */
  readonly jitter: number;
  /** Share of packets that are lost, 0 to below 1. TCP repeats those, which takes time; datagrams are gone. */
  readonly loss: number;
  /** Bytes per second to the client and from it; Infinity = as fast as they come. */
  readonly down: number;
  readonly up: number;
}

const BYTES_IN_KBIT = 1000 / 8;

/** The link that a line is. */
const linkOf = ({ down, up, roundTrip, jitter, loss }: LineFigures): LinkQuality => ({
  delay: roundTrip / 2,
  jitter,
  loss,
  down: down * BYTES_IN_KBIT,
  up: up * BYTES_IN_KBIT,
});

export type LinkName = LineName;

/** Links by name; `LINES` says where their figures are from. */
export const LINKS = Object.fromEntries(
  Object.entries(LINES).map(([name, figures]) => [name, linkOf(figures)]),
) as Readonly<Record<LinkName, LinkQuality>>;

/** A datagram that would wait longer than this for its turn is lost, in milliseconds: what the buffers of access routers hold. */
const MAX_QUEUE_MS = 1000;

/** Time before TCP repeats a segment: RFC 6298 §2 has a second, systems begin with a fifth of it. Milliseconds. */
const REPEAT_MS = 200;

/** A segment is not lost more often than this in a row. */
const MAX_REPEATS = 6;

/**
 * So many writes of a connection in each direction take no time for their bytes: they are the handshake of TLS, in which signatures and
 * tickets vary by some bytes from run to run, and with them would all that comes after.
 */
const HANDSHAKE_WRITES = 8;

export type Direction = 'up' | 'down';

/** The way between one client and the network that it comes to. What is changed holds for packets that are sent from then on. */
export class Link {
  readonly clock: Clock;
  readonly #random: RandomSource;
  #quality: LinkQuality;
  #udp = true;
  #tcp = true;
  /** When the bytes that were sent in each direction are all on their way. */
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

  /** Datagrams that went this way, and those of them that were lost. */
  get stats(): { readonly sent: number; readonly lost: number } {
    return { sent: this.#sent, lost: this.#lost };
  }

  /** Makes the link better or worse. */
  set(change: Partial<LinkQuality>): void {
    this.#quality = { ...this.#quality, ...change };
  }

  get udp(): boolean {
    return this.#udp;
  }

  get tcp(): boolean {
    return this.#tcp;
  }

  /** Lets datagrams through, or swallows them. */
  passUdp(pass: boolean): void {
    this.#udp = pass;
  }

  /** Lets TCP through, or keeps its bytes: they are repeated until there is a way again, as TCP does. */
  passTcp(pass: boolean): void {
    this.#tcp = pass;
    if (!pass) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }

  /** A datagram sets out. `arrive` is called when it gets there, if it does. */
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

  /** What TCP needs for some bytes, in milliseconds: their turn, the flight, and repeats of what was lost. */
  segment(direction: Direction, bytes: number): number {
    const { loss } = this.#quality;
    let repeats = 0;
    for (let n = 0; loss > 0 && n < MAX_REPEATS && this.#random.float() < loss; n++) repeats += REPEAT_MS * 2 ** n;
    return this.#turn(direction, bytes) + this.#flight() + repeats;
  }

  /** Calls back when TCP has a way: at once, mostly. */
  whenTcp(go: () => void): void {
    if (this.#tcp) go();
    else this.#waiting.push(go);
  }

  /** Milliseconds until so many more bytes are on their way. */
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

/** One direction of one TCP connection: bytes arrive in their order, however long some of them take. */
export class TcpWay {
  readonly #link: Link;
  readonly #direction: Direction;
  #arrivesAt = 0;
  #writes = 0;
  /** What was sent while there was no way, or behind such. */
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
 * A link by its name, or with a quality of its own; what is left out is that of `lan`.
 * @throws TunneliteError `ERR_NETWORK_LINK`
 */
export function linkQuality(link: LinkName | Partial<LinkQuality>): LinkQuality {
  if (typeof link === 'string') {
    if (Object.hasOwn(LINKS, link)) return LINKS[link];
    throw new TunneliteError(
      'ERR_NETWORK_LINK',
      `There is no link “${link}”. Known are ${Object.keys(LINKS).join(', ')}.`,
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
