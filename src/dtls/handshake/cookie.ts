import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { endpointText } from '../../lib/endpoint.ts';
import type { RandomSource } from '../../lib/random.ts';
import type { DtlsPeer } from '../association/types.ts';
import {
  CONTENT_TYPE,
  COOKIE_KEY_LIFETIME_MS,
  COOKIE_LENGTH,
  DTLS_1_0,
  HANDSHAKE_TYPE,
  RECORD_HEADER_LENGTH,
} from '../protocol/constants.ts';
import { writePlainRecord } from '../record/record.ts';
import type { ClientHello } from './client-hello.ts';
import { handshakeMessage } from './handshake-message.ts';

const KEY_LENGTH = 32;

/** Stateless cookies (RFC 6347 §4.2.1): an HMAC over the peer's address and the ClientHello, under a key that rotates. */
export class CookieJar {
  readonly #random: RandomSource;
  #current: KeyObject;
  #previous: KeyObject;
  #rotateAt: number | undefined;

  constructor(random: RandomSource) {
    this.#random = random;
    this.#current = this.#newKey();
    this.#previous = this.#newKey();
  }

  make(peer: DtlsPeer, hello: Pick<ClientHello, 'random' | 'sessionId'>, now: number): Buffer {
    this.#rotate(now);
    return cookie(this.#current, peer, hello);
  }

  verify(peer: DtlsPeer, hello: Pick<ClientHello, 'random' | 'sessionId' | 'cookie'>, now: number): boolean {
    if (hello.cookie.length !== COOKIE_LENGTH) return false;
    this.#rotate(now);
    return (
      timingSafeEqual(cookie(this.#current, peer, hello), hello.cookie) ||
      timingSafeEqual(cookie(this.#previous, peer, hello), hello.cookie)
    );
  }

  #newKey(): KeyObject {
    return createSecretKey(this.#random.bytes(KEY_LENGTH));
  }

  #rotate(now: number): void {
    this.#rotateAt ??= now + COOKIE_KEY_LIFETIME_MS;
    if (now < this.#rotateAt) return;
    // After a long pause the last key is too old as well.
    this.#previous = now < this.#rotateAt + COOKIE_KEY_LIFETIME_MS ? this.#current : this.#newKey();
    this.#current = this.#newKey();
    this.#rotateAt = now + COOKIE_KEY_LIFETIME_MS;
  }
}

function cookie(key: KeyObject, peer: DtlsPeer, hello: Pick<ClientHello, 'random' | 'sessionId'>): Buffer {
  const hmac = createHmac('sha256', key);
  hmac.update(endpointText(peer.address, peer.port)).update(hello.random).update(hello.sessionId);
  return hmac.digest().subarray(0, COOKIE_LENGTH);
}

/** Length of a HelloVerifyRequest datagram: less than any ClientHello, so that nothing is amplified. */
export const HELLO_VERIFY_LENGTH = RECORD_HEADER_LENGTH + 12 + 3 + COOKIE_LENGTH;

/**
 * Writes a HelloVerifyRequest as a datagram. Its version is DTLS 1.0 whatever will be negotiated, and its record
 * number that of the ClientHello (RFC 6347 §4.2.1).
 */
export function writeHelloVerifyRequest(output: Buffer, offset: number, sequence: number, value: Buffer): number {
  const body = Buffer.concat([Buffer.from([DTLS_1_0 >>> 8, DTLS_1_0 & 0xff, value.length]), value]);
  const message = handshakeMessage(HANDSHAKE_TYPE.helloVerifyRequest, 0, body);
  const length = writePlainRecord(output, offset, CONTENT_TYPE.handshake, sequence, message);
  output.writeUInt16BE(DTLS_1_0, offset + 1);
  return length;
}
