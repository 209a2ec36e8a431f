import type { RandomSource } from '../../lib/random.ts';
import {
  CONTENT_TYPE,
  FRAGMENTED_HELLO_MS,
  HANDSHAKE_HEADER_LENGTH,
  HANDSHAKE_TYPE,
  MAX_FRAGMENTED_HELLOS,
  RECORD_HEADER_LENGTH,
  SERVER_MAX_MESSAGE,
} from '../constants.ts';
import { recordSequence } from '../record/record.ts';
import type { DropReason, DtlsPeer } from '../types.ts';
import { parseClientHello, parseClientHelloStart } from './client-hello.ts';
import { CookieJar } from './cookie.ts';
import { type HandshakeHeader, readHandshakeHeader } from './handshake-message.ts';
import { Reassembly } from './reassembly.ts';
import type { ReceivedHello } from './server-handshake.ts';

/** True when the datagram begins with a ClientHello, or with a fragment of one, in the clear. */
export function beginsWithClientHello(datagram: Buffer): boolean {
  return (
    datagram.length > RECORD_HEADER_LENGTH &&
    datagram[0] === CONTENT_TYPE.handshake &&
    datagram[3] === 0 &&
    datagram[4] === 0 &&
    datagram[RECORD_HEADER_LENGTH] === HANDSHAKE_TYPE.clientHello
  );
}

/** What became of a datagram that begins with a ClientHello. */
export type Intake =
  | { readonly kind: 'hello'; readonly received: ReceivedHello }
  | { readonly kind: 'verify'; readonly cookie: Buffer; readonly recordSequence: number }
  | { readonly kind: 'drop'; readonly reason: DropReason }
  | { readonly kind: 'wait' };

interface FragmentedHello {
  readonly reassembly: Reassembly;
  readonly expires: number;
}

const WAIT: Intake = { kind: 'wait' };

/**
 * From datagrams to whole, cookie-proven ClientHellos. The only state is a small table of ClientHellos in fragments,
 * and with cookies on, only the sender of a proven first fragment gets a place in it.
 */
export class HelloIntake {
  readonly #cookies: CookieJar | undefined;
  readonly #fragmented = new Map<string, FragmentedHello>();

  constructor(random: RandomSource, cookie: boolean) {
    this.#cookies = cookie ? new CookieJar(random) : undefined;
  }

  input(datagram: Buffer, peer: DtlsPeer, now: number): Intake {
    const end = RECORD_HEADER_LENGTH + datagram.readUInt16BE(11);
    if (end > datagram.length || datagram[1] !== 0xfe) return { kind: 'drop', reason: 'malformed' };
    const header = readHandshakeHeader(datagram, RECORD_HEADER_LENGTH, end);
    if (!header || header.length > SERVER_MAX_MESSAGE) return { kind: 'drop', reason: 'malformed' };
    const sequence = recordSequence(datagram, 0);
    if (header.fragmentOffset === 0) {
      const start = parseClientHelloStart(body(datagram, header));
      if (!start) return { kind: 'drop', reason: 'malformed' };
      // A defect of old GnuTLS clients, refused by ocserv too (reference §7.4).
      if (start.random.every((byte) => byte === 0)) return { kind: 'drop', reason: 'zero-random' };
      if (this.#cookies && !this.#cookies.verify(peer, start, now)) {
        return { kind: 'verify', cookie: this.#cookies.make(peer, start, now), recordSequence: sequence };
      }
    }
    if (header.fragmentLength === header.length) {
      const raw = datagram.subarray(
        RECORD_HEADER_LENGTH,
        RECORD_HEADER_LENGTH + HANDSHAKE_HEADER_LENGTH + header.length,
      );
      return whole(Buffer.from(raw), header.sequence, sequence);
    }
    return this.#fragment(datagram, header, peer, sequence, now);
  }

  #fragment(datagram: Buffer, header: HandshakeHeader, peer: DtlsPeer, sequence: number, now: number): Intake {
    const key = `${peer.address}|${peer.port}`;
    let entry = this.#fragmented.get(key);
    if (!entry || entry.expires <= now || entry.reassembly.next !== header.sequence) {
      if (header.fragmentOffset > 0 && this.#cookies) return { kind: 'drop', reason: 'unexpected' };
      this.#fragmented.delete(key);
      this.#expire(now);
      if (this.#fragmented.size >= MAX_FRAGMENTED_HELLOS) return { kind: 'drop', reason: 'full' };
      entry = {
        reassembly: new Reassembly(header.sequence, SERVER_MAX_MESSAGE),
        expires: now + FRAGMENTED_HELLO_MS,
      };
      this.#fragmented.set(key, entry);
    }
    entry.reassembly.add(header, 0, datagram, RECORD_HEADER_LENGTH + HANDSHAKE_HEADER_LENGTH);
    const message = entry.reassembly.take();
    if (!message) return WAIT;
    this.#fragmented.delete(key);
    return whole(message.raw, header.sequence, sequence);
  }

  #expire(now: number): void {
    for (const [key, entry] of this.#fragmented) {
      if (entry.expires <= now) this.#fragmented.delete(key);
    }
  }
}

function body(datagram: Buffer, header: HandshakeHeader): Buffer {
  const start = RECORD_HEADER_LENGTH + HANDSHAKE_HEADER_LENGTH;
  return datagram.subarray(start, start + header.fragmentLength);
}

function whole(raw: Buffer, messageSequence: number, sequence: number): Intake {
  const hello = parseClientHello(raw.subarray(HANDSHAKE_HEADER_LENGTH));
  if (!hello) return { kind: 'drop', reason: 'malformed' };
  return { kind: 'hello', received: { hello, raw, messageSequence, recordSequence: sequence } };
}
