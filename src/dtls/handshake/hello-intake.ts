import { endpointText } from '../../lib/endpoint.ts';
import type { RandomSource } from '../../lib/random.ts';
import type { DropReason, DtlsPeer } from '../association/types.ts';
import {
  CONTENT_TYPE,
  FRAGMENTED_HELLO_MS,
  HANDSHAKE_HEADER_LENGTH,
  HANDSHAKE_TYPE,
  MAX_FRAGMENTED_HELLOS,
  RECORD_HEADER_LENGTH,
  SERVER_MAX_MESSAGE,
} from '../protocol/constants.ts';
import { recordSequence } from '../record/record.ts';
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

/** Result for a datagram that begins with a ClientHello. */
type Intake =
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
 * Assembles ClientHellos from datagrams. The only state is a small table of fragmented ClientHellos; where every client needs
 * a cookie, only the sender of a first fragment with a valid cookie gets an entry.
 */
export class HelloIntake {
  readonly #cookies: CookieJar;
  readonly #demanded: boolean;
  readonly #fragmented = new Map<string, FragmentedHello>();

  /** @param demanded every ClientHello needs a cookie; otherwise `demand` may request one */
  constructor(random: RandomSource, demanded: boolean) {
    this.#cookies = new CookieJar(random);
    this.#demanded = demanded;
  }

  /** The cookie with which a client must repeat a ClientHello that has no valid one. */
  demand(received: ReceivedHello, peer: DtlsPeer, now: number): Intake & { readonly kind: 'verify' } {
    const { hello, recordSequence } = received;
    return { kind: 'verify', cookie: this.#cookies.make(peer, hello, now), recordSequence };
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
      // A defect of GnuTLS 3.6.3 to 3.6.12; ocserv drops such a ClientHello too.
      if (start.random.every((byte) => byte === 0)) return { kind: 'drop', reason: 'zero-random' };
      if (this.#demanded && !this.#cookies.verify(peer, start, now)) {
        return { kind: 'verify', cookie: this.#cookies.make(peer, start, now), recordSequence: sequence };
      }
    }
    if (header.fragmentLength === header.length) {
      const raw = datagram.subarray(
        RECORD_HEADER_LENGTH,
        RECORD_HEADER_LENGTH + HANDSHAKE_HEADER_LENGTH + header.length,
      );
      return this.#whole(Buffer.from(raw), header.sequence, sequence, peer, now);
    }
    return this.#fragment(datagram, header, peer, sequence, now);
  }

  #fragment(datagram: Buffer, header: HandshakeHeader, peer: DtlsPeer, sequence: number, now: number): Intake {
    const key = endpointText(peer.address, peer.port);
    let entry = this.#fragmented.get(key);
    if (!entry || entry.expires <= now || entry.reassembly.next !== header.sequence) {
      if (header.fragmentOffset > 0 && this.#demanded) return { kind: 'drop', reason: 'unexpected' };
      this.#fragmented.delete(key);
      this.#makeRoom(now);
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
    return this.#whole(message.raw, header.sequence, sequence, peer, now);
  }

  #whole(raw: Buffer, messageSequence: number, sequence: number, peer: DtlsPeer, now: number): Intake {
    const hello = parseClientHello(raw.subarray(HANDSHAKE_HEADER_LENGTH));
    if (!hello) return { kind: 'drop', reason: 'malformed' };
    const proven = this.#cookies.verify(peer, hello, now);
    return { kind: 'hello', received: { hello, raw, messageSequence, recordSequence: sequence, proven } };
  }

  /**
   * Removes expired entries, and the oldest one when the table is full. The fragments of one hello arrive together, so an attacker
   * must fill the table within one burst to affect others. The oldest come first, as all have the same lifetime.
   */
  #makeRoom(now: number): void {
    for (const [key, entry] of this.#fragmented) {
      if (entry.expires > now && this.#fragmented.size < MAX_FRAGMENTED_HELLOS) break;
      this.#fragmented.delete(key);
    }
  }
}

function body(datagram: Buffer, header: HandshakeHeader): Buffer {
  const start = RECORD_HEADER_LENGTH + HANDSHAKE_HEADER_LENGTH;
  return datagram.subarray(start, start + header.fragmentLength);
}
