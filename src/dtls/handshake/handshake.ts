import { createHash, timingSafeEqual } from 'node:crypto';
import { excused } from '../../lib/late-tick.ts';
import type { Connection, ConnectionHandshake } from '../association/connection.ts';
import type { CipherSuite } from '../protocol/cipher-suites.ts';
import {
  AMPLIFICATION_LIMIT,
  CONTENT_TYPE,
  EARLY_RECORD_MAX_BYTES,
  EARLY_RECORDS,
  HANDSHAKE_HEADER_LENGTH,
  HANDSHAKE_TYPE,
  LAST_FLIGHT_MS,
  REPEAT_MIN_MS,
} from '../protocol/constants.ts';
import { Flight } from './flight.ts';
import type { Again } from './flight-log.ts';
import { handshakeMessage, readHandshakeHeader } from './handshake-message.ts';
import { extendedMasterSecret, keyBlock, keylogLine, masterSecret, verifyData } from './key-schedule.ts';
import { Reassembly } from './reassembly.ts';

const CHANGE_CIPHER_SPEC = Buffer.from([1]);

/** The common part of both sides of a handshake: ordered messages, flights, transcript, keys. */
export abstract class Handshake implements ConnectionHandshake {
  readonly connection: Connection;
  readonly reassembly: Reassembly;
  writeEpoch: 0 | 1 = 0;
  /** The handshake is complete; only our last flight is kept. */
  complete = false;
  protected readonly flight: Flight;
  protected transcript: Buffer[] = [];
  protected clientRandom: Buffer = Buffer.alloc(0);
  protected serverRandom: Buffer = Buffer.alloc(0);
  protected master: Buffer | undefined;
  /** Both sides agreed on extended_master_secret (RFC 7627). */
  protected extended = false;
  protected messageSequence: number;
  /** Bytes that may still be sent to the peer; unlimited once its address is proven. */
  #credit = Number.POSITIVE_INFINITY;
  #early: Buffer[] = [];
  #giveUpAt: number;
  #forgetAt = Number.POSITIVE_INFINITY;

  /**
   * @param messageSequence number of our first message
   * @param expected number of the peer's next one
   */
  constructor(
    connection: Connection,
    messageSequence: number,
    maxMessage: number,
    now: number,
    expected = messageSequence,
  ) {
    this.connection = connection;
    this.messageSequence = messageSequence;
    this.reassembly = new Reassembly(expected, maxMessage);
    this.flight = new Flight(connection.config.retransmitTimeout);
    this.#giveUpAt = now + connection.config.handshakeTimeout;
  }

  get deadline(): number {
    return this.complete ? this.#forgetAt : Math.min(this.flight.deadline, this.#giveUpAt);
  }

  /** Processes the next message of the peer, complete and in order. */
  protected abstract message(type: number, body: Buffer, raw: Buffer, epoch: number, now: number): void;

  /** Explains a timeout in this state. */
  protected abstract timeoutExplanation(): string;

  receive(buffer: Buffer, offset: number, length: number, epoch: number, now: number): boolean {
    const end = offset + length;
    let used = false;
    // The owner of the keys has received our random or knows the secret: the address is not forged.
    if (epoch === 1) this.#credit = Number.POSITIVE_INFINITY;
    for (let at = offset; at < end; ) {
      const header = readHandshakeHeader(buffer, at, end);
      if (!header) break;
      at += HANDSHAKE_HEADER_LENGTH;
      if (this.complete || header.sequence < this.reassembly.next) this.#repeat(now);
      else used = this.reassembly.add(header, epoch, buffer, at) || used;
      at += header.fragmentLength;
    }
    for (let next = this.reassembly.take(); next && !this.complete; next = this.reassembly.take()) {
      const { type, raw, epoch: messageEpoch } = next;
      this.message(type, raw.subarray(HANDSHAKE_HEADER_LENGTH), raw, messageEpoch, now);
      if (this.connection.closed) return true;
    }
    return used;
  }

  isLastFlight(buffer: Buffer, offset: number, length: number): boolean {
    return length > 0 && buffer[offset] === HANDSHAKE_TYPE.finished;
  }

  tick(now: number): void {
    const { connection } = this;
    if (this.complete) {
      if (now >= this.#forgetAt) {
        connection.endHandshake();
        connection.reschedule();
      }
      return;
    }
    if (now >= this.#giveUpAt) {
      const otherKey = connection.stats.notAuthentic > 0;
      connection.end('timeout', { explanation: this.timeoutExplanation(), ...(otherKey && { otherKey }) });
    } else if (now >= this.flight.deadline) {
      this.flight.backOff();
      this.sendFlight(now, true, 'timer');
    }
  }

  excuse(late: number, now: number): void {
    const { handshakeTimeout } = this.connection.config;
    this.#giveUpAt = excused(this.#giveUpAt - handshakeTimeout, late, now) + handshakeTimeout;
  }

  keepEarly(datagram: Buffer, at: number, length: number): boolean {
    if (datagram[at] !== CONTENT_TYPE.handshake || length > EARLY_RECORD_MAX_BYTES) return false;
    if (this.#early.length >= EARLY_RECORDS) return false;
    this.#early.push(Buffer.from(datagram.subarray(at, at + length)));
    return true;
  }

  takeEarly(): readonly Buffer[] {
    const early = this.#early;
    if (early.length > 0) this.#early = [];
    return early;
  }

  heard(bytes: number): void {
    this.#credit += bytes * AMPLIFICATION_LIMIT;
  }

  peerIsAhead(now: number): void {
    this.#credit = Number.POSITIVE_INFINITY;
    this.#repeat(now);
  }

  /** The peer repeated its flight, so it has not received ours. */
  #repeat(now: number): void {
    if (this.flight.empty || now - this.flight.sentAt < REPEAT_MIN_MS) return;
    this.heardAgain();
    this.sendFlight(now, !this.complete, 'asked');
  }

  /** For the observer: the flight was sent. */
  protected sent(_datagrams: number, _bytes: number, _again: Again | undefined): void {}

  /** For the observer: the peer repeated its flight. */
  protected heardAgain(): void {}

  /** Number of records that arrived before the keys that open them. */
  protected get early(): number {
    return this.#early.length;
  }

  /** The peer's address may be forged: from now on, limit the bytes sent to it in proportion to those received. */
  protected distrust(): void {
    this.#credit = 0;
  }

  /** @param again why it is sent again */
  protected sendFlight(now: number, awaits: boolean, again?: Again): void {
    const { connection, flight } = this;
    const { memory, mtu } = connection.config;
    let datagrams = 0;
    let bytes = 0;
    const transmit = (length: number): void => {
      if (length > this.#credit) return;
      this.#credit -= length;
      datagrams++;
      bytes += length;
      connection.transmit(length);
    };
    flight.send(connection.records, memory, mtu, transmit, now, awaits);
    this.sent(datagrams, bytes, again);
    connection.reschedule();
  }

  /** Adds a message to the flight and to the transcript. */
  protected push(type: number, body: Uint8Array): void {
    const message = handshakeMessage(type, this.messageSequence++, body);
    this.transcript.push(message);
    this.flight.push(CONTENT_TYPE.handshake, this.writeEpoch, message);
  }

  /** Adds ChangeCipherSpec and Finished to the flight. */
  protected pushFinished(): void {
    this.flight.push(CONTENT_TYPE.changeCipherSpec, 0, CHANGE_CIPHER_SPEC);
    this.writeEpoch = 1;
    this.push(HANDSHAKE_TYPE.finished, this.#verifyData(this.connection.side));
  }

  /** True when the peer's Finished, not yet in the transcript, is correct; false means that the handshake has failed. */
  protected provenBy(body: Buffer): boolean {
    const peer = this.connection.side === 'client' ? 'server' : 'client';
    const expected = this.#verifyData(peer);
    if (body.length === expected.length && timingSafeEqual(body, expected)) return true;
    this.connection.fail('decrypt_error', `The ${peer}'s Finished does not match the handshake as received here.`);
    return false;
  }

  /**
   * Completes the handshake after the peer's Finished. `answer`: our flight is the last one; it is sent now and kept in case the peer
   * needs it again.
   */
  protected conclude(raw: Buffer, answer: boolean, now: number): void {
    this.flight.clear();
    if (answer) {
      this.transcript.push(raw);
      this.pushFinished();
      this.sendFlight(now, false);
    }
    const { connection } = this;
    this.complete = true;
    this.master = undefined;
    this.transcript = [];
    this.#early = [];
    if (answer) this.#forgetAt = now + LAST_FLIGHT_MS;
    else connection.endHandshake();
    connection.establish();
  }

  #transcriptHash(suite: CipherSuite): Buffer {
    const hash = createHash(suite.hash);
    for (const message of this.transcript) hash.update(message);
    return hash.digest();
  }

  /** The master secret, once ClientKeyExchange is in the transcript. */
  protected masterFrom(suite: CipherSuite, premaster: Buffer): Buffer {
    return this.extended
      ? extendedMasterSecret(suite, premaster, this.#transcriptHash(suite))
      : masterSecret(suite, premaster, this.clientRandom, this.serverRandom);
  }

  /** Derives the keys from the master secret. */
  protected installKeys(suite: CipherSuite, master: Buffer): void {
    this.master = master;
    const { connection, clientRandom, serverRandom } = this;
    const keys = keyBlock(suite, master, clientRandom, serverRandom);
    connection.config.keylog?.(keylogLine(clientRandom, master));
    connection.records.install(connection.config.protection, suite, keys, connection.side);
  }

  #verifyData(side: 'client' | 'server'): Buffer {
    const suite = this.connection.records.suite!;
    return verifyData(suite, this.master!, side, this.#transcriptHash(suite));
  }
}
