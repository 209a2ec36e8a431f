import { createHash, timingSafeEqual } from 'node:crypto';
import type { Connection, ConnectionHandshake } from '../connection.ts';
import {
  CONTENT_TYPE,
  EARLY_RECORD_MAX_BYTES,
  EARLY_RECORDS,
  HANDSHAKE_HEADER_LENGTH,
  HANDSHAKE_TYPE,
  LAST_FLIGHT_MS,
  REPEAT_MIN_MS,
} from '../constants.ts';
import type { CipherSuite } from './cipher-suites.ts';
import { Flight } from './flight.ts';
import { handshakeMessage, readHandshakeHeader } from './handshake-message.ts';
import { keyBlock, keylogLine, verifyData } from './key-schedule.ts';
import { Reassembly } from './reassembly.ts';

const CHANGE_CIPHER_SPEC = Buffer.from([1]);

/** What both sides of a handshake share: messages in order, flights, transcript, keys. */
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
  protected messageSequence: number;
  #early: Buffer[] = [];
  readonly #giveUpAt: number;
  #forgetAt = Number.POSITIVE_INFINITY;

  constructor(connection: Connection, messageSequence: number, maxMessage: number, now: number) {
    this.connection = connection;
    this.messageSequence = messageSequence;
    this.reassembly = new Reassembly(messageSequence, maxMessage);
    this.flight = new Flight(connection.config.retransmitTimeout);
    this.#giveUpAt = now + connection.config.handshakeTimeout;
  }

  get deadline(): number {
    return this.complete ? this.#forgetAt : Math.min(this.flight.deadline, this.#giveUpAt);
  }

  /** The next message of the peer, complete and in order. */
  protected abstract message(type: number, body: Buffer, raw: Buffer, epoch: number, now: number): void;

  /** What a timeout means in this state, in words. */
  protected abstract timeoutExplanation(): string;

  receive(buffer: Buffer, offset: number, length: number, epoch: number, now: number): boolean {
    const end = offset + length;
    let used = false;
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
        connection.handshake = undefined;
        connection.reschedule();
      }
      return;
    }
    if (now >= this.#giveUpAt) {
      connection.end('timeout', { explanation: this.timeoutExplanation() });
    } else if (now >= this.flight.deadline) {
      this.flight.backOff();
      this.sendFlight(now, true);
    }
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

  peerIsAhead(now: number): void {
    this.#repeat(now);
  }

  /** The peer repeats itself, so it has not seen our flight. */
  #repeat(now: number): void {
    if (!this.flight.empty && now - this.flight.sentAt >= REPEAT_MIN_MS) this.sendFlight(now, !this.complete);
  }

  protected sendFlight(now: number, awaits: boolean): void {
    const { connection, flight } = this;
    const { memory, mtu } = connection.config;
    flight.send(connection.records, memory, mtu, (length) => connection.transmit(length), now, awaits);
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

  /** True when the peer's Finished, not yet in the transcript, proves the handshake. */
  protected verifyFinished(body: Buffer): boolean {
    const expected = this.#verifyData(this.connection.side === 'client' ? 'server' : 'client');
    return body.length === expected.length && timingSafeEqual(body, expected);
  }

  protected transcriptHash(suite: CipherSuite): Buffer {
    const hash = createHash(suite.hash);
    for (const message of this.transcript) hash.update(message);
    return hash.digest();
  }

  /** Derives the keys from the master secret. */
  protected installKeys(suite: CipherSuite, master: Buffer): void {
    this.master = master;
    const { connection, clientRandom, serverRandom } = this;
    const keys = keyBlock(suite, master, clientRandom, serverRandom);
    connection.config.keylog?.(keylogLine(clientRandom, master));
    connection.records.install(connection.config.protection, suite, keys, connection.side);
  }

  /** Ends the handshake well. `keepFlight`: the peer may ask for our last flight again. */
  protected finish(keepFlight: boolean, now: number): void {
    const { connection } = this;
    this.complete = true;
    this.master = undefined;
    this.transcript = [];
    this.#early = [];
    this.flight.deadline = Number.POSITIVE_INFINITY;
    if (keepFlight) this.#forgetAt = now + LAST_FLIGHT_MS;
    else connection.handshake = undefined;
    connection.establish(now);
  }

  #verifyData(side: 'client' | 'server'): Buffer {
    const suite = this.connection.records.suite!;
    return verifyData(suite, this.master!, side, this.transcriptHash(suite));
  }
}
