import { ALERT, ALERT_LEVEL, type AlertName, alertName } from '../protocol/alerts.ts';
import type { CipherSuiteName } from '../protocol/cipher-suites.ts';
import {
  CONTENT_TYPE,
  MAX_PLAINTEXT,
  MAX_SEQUENCE,
  RECORD_HEADER_LENGTH,
  WARNING_MIN_MS,
} from '../protocol/constants.ts';
import { recordSequence } from '../record/record.ts';
import { RecordLayer } from '../record/record-layer.ts';
import type { EndpointConfig } from './endpoint-config.ts';
import type { AssociationStats, CloseDetails, CloseReason, DropReason, DtlsAssociation, DtlsPeer } from './types.ts';

/** What a connection needs from the endpoint that owns it. */
export interface ConnectionHost {
  readonly config: EndpointConfig;
  /** Sends `length` bytes from the space that `config.memory` reserved last. */
  transmit(connection: Connection, length: number): void;
  connected(connection: Connection): void;
  data(connection: Connection, buffer: Buffer, offset: number, length: number): void;
  ended(connection: Connection, reason: CloseReason, details: CloseDetails): void;
  dropped(connection: Connection, reason: DropReason): void;
  /** `connection.deadline` may have changed. */
  scheduled(connection: Connection): void;
}

/** What a connection needs from its handshake. */
export interface ConnectionHandshake {
  /** When `tick` is due; Infinity when it is not. */
  readonly deadline: number;
  /** Epoch of the next message that we send. */
  readonly writeEpoch: 0 | 1;
  tick(now: number): void;
  /** No input was read for the last `late` milliseconds. */
  excuse(late: number, now: number): void;
  /** A datagram of this size arrived from the peer's address, possibly forged. */
  heard(bytes: number): void;
  /** Processes the content of a handshake record. True when it was useful. */
  receive(buffer: Buffer, offset: number, length: number, epoch: number, now: number): boolean;
  /** Keeps a record of epoch 1 that arrived before its keys. False when there is no space for it. */
  keepEarly(datagram: Buffer, at: number, length: number): boolean;
  takeEarly(): readonly Buffer[];
  /** Application data arrived before the peer's Finished: make it send its last flight again. */
  peerIsAhead(now: number): void;
  /** True for a repeated Finished, which the last flight answers; anything else requests a new handshake. */
  isLastFlight(buffer: Buffer, offset: number, length: number): boolean;
}

/**
 *                    handshake complete                close · alert · overflow
 *   ┌─────────────┐ ──────────────────▶ ┌───────────┐ ─────────────────────────▶ ┌────────┐
 *   │ handshaking │                     │ connected │                            │ closed │
 *   └─────────────┘ ──────────────────────────────────────────────────────────▶ └────────┘
 *                    timeout · fatal alert · replaced · close
 */
const CONNECTION_STATE = { handshaking: 0, connected: 1, closed: 2 } as const;
type ConnectionState = (typeof CONNECTION_STATE)[keyof typeof CONNECTION_STATE];

/** Level and description of an alert. */
const ALERT_LENGTH = 2;
const FRESH_STATS = { recordsIn: 0, recordsOut: 0, bytesIn: 0, bytesOut: 0, replayed: 0, notAuthentic: 0 } as const;

/** One association, from its first message to its end, without the socket. */
export class Connection<Context = unknown> implements DtlsAssociation<Context> {
  readonly records: RecordLayer;
  readonly stats: AssociationStats = { ...FRESH_STATS };
  readonly context: Context;
  #peer: DtlsPeer;
  #maxPlaintext: number = MAX_PLAINTEXT;
  #state: ConnectionState = CONNECTION_STATE.handshaking;
  /** Until the handshake is complete and the peer is known to have our last flight. */
  #handshake: ConnectionHandshake | undefined;
  readonly #host: ConnectionHost;
  readonly #side: 'client' | 'server';
  #warnedAt = Number.NEGATIVE_INFINITY;

  /** @param firstSequence number of the first plaintext record: a server continues from the ClientHello's (RFC 6347 §4.2.1) */
  constructor(host: ConnectionHost, side: 'client' | 'server', peer: DtlsPeer, context: Context, firstSequence = 0) {
    this.records = new RecordLayer(firstSequence);
    this.#host = host;
    this.#side = side;
    this.#peer = peer;
    this.context = context;
  }

  get config(): EndpointConfig {
    return this.#host.config;
  }

  get side(): 'client' | 'server' {
    return this.#side;
  }

  get peer(): DtlsPeer {
    return this.#peer;
  }

  /** Largest message that the peer accepts, in bytes. */
  get maxPlaintext(): number {
    return this.#maxPlaintext;
  }

  get closed(): boolean {
    return this.#state === CONNECTION_STATE.closed;
  }

  get connected(): boolean {
    return this.#state === CONNECTION_STATE.connected;
  }

  get cipherSuite(): CipherSuiteName {
    return this.records.suite!.name as CipherSuiteName;
  }

  get recordOverhead(): number {
    return RECORD_HEADER_LENGTH + this.records.suite!.overhead;
  }

  /** When `tick` is due; Infinity when it is not. */
  get deadline(): number {
    return this.#handshake?.deadline ?? Number.POSITIVE_INFINITY;
  }

  send(buffer: Buffer, offset: number, length: number): boolean {
    if (this.#state !== CONNECTION_STATE.connected || length > this.#maxPlaintext) return false;
    if (!this.#sendRecord(CONTENT_TYPE.applicationData, 1, buffer, offset, length)) return false;
    this.stats.recordsOut++;
    this.stats.bytesOut += length;
    return true;
  }

  close(): void {
    if (this.closed) return;
    this.#sendAlert(ALERT_LEVEL.warning, 'close_notify');
    this.end('local');
  }

  /** Ends the connection without sending anything to the peer. */
  end(reason: CloseReason, details: CloseDetails = {}): void {
    if (this.closed) return;
    this.#host.ended(this, reason, details);
  }

  /** For the host, in `ended`: drops keys and handshake. */
  forget(): void {
    this.#state = CONNECTION_STATE.closed;
    this.#handshake = undefined;
    this.records.free();
  }

  /** Ends the handshake with a fatal alert. */
  fail(alert: AlertName, explanation: string): void {
    if (this.closed) return;
    this.#sendAlert(ALERT_LEVEL.fatal, alert);
    this.end('handshake-failed', { alert, explanation, ...otherKey(alert) });
  }

  /** Starts with a pending handshake. */
  begin(handshake: ConnectionHandshake): void {
    this.#handshake = handshake;
  }

  /** For the handshake: the longest message that the peer accepts. */
  limitPlaintext(bytes: number): void {
    this.#maxPlaintext = bytes;
  }

  /** For the handshake: its last flight is no longer needed. */
  endHandshake(): void {
    this.#handshake = undefined;
  }

  /** For the registry: the peer has a new address. */
  movedTo(peer: DtlsPeer): void {
    this.#peer = peer;
  }

  /** For the handshake: called when it is complete. */
  establish(): void {
    this.#state = CONNECTION_STATE.connected;
    this.#host.scheduled(this);
    this.#host.connected(this);
  }

  /** For the handshake: `config.memory` holds a datagram. */
  transmit(length: number): void {
    this.#host.transmit(this, length);
  }

  reschedule(): void {
    this.#host.scheduled(this);
  }

  tick(now: number): void {
    this.#handshake?.tick(now);
  }

  excuse(late: number, now: number): void {
    this.#handshake?.excuse(late, now);
  }

  /** Processes one datagram. True when a record in it was authentic or advanced the handshake. */
  input(datagram: Buffer, now: number): boolean {
    this.#handshake?.heard(datagram.length);
    const used = this.#records(datagram, now);
    if (this.#handshake && this.records.opener) {
      for (const record of this.#handshake.takeEarly()) this.#records(record, now);
    }
    return used;
  }

  #records(datagram: Buffer, now: number): boolean {
    let used = false;
    let at = 0;
    while (at + RECORD_HEADER_LENGTH <= datagram.length && this.#state !== CONNECTION_STATE.closed) {
      const length = (datagram[at + 11]! << 8) | datagram[at + 12]!;
      const next = at + RECORD_HEADER_LENGTH + length;
      if (next > datagram.length || datagram[at + 1] !== 0xfe) {
        this.#drop('malformed');
        return used;
      }
      const epoch = (datagram[at + 3]! << 8) | datagram[at + 4]!;
      if (epoch === 1) used = this.#protectedRecord(datagram, at, length, now) || used;
      else if (epoch === 0) used = this.#plainRecord(datagram, at, length, now) || used;
      else this.#drop('epoch');
      at = next;
    }
    return used;
  }

  #protectedRecord(datagram: Buffer, at: number, length: number, now: number): boolean {
    const { opener, replay } = this.records;
    if (!opener) {
      if (!this.#handshake?.keepEarly(datagram, at, RECORD_HEADER_LENGTH + length)) this.#drop('epoch');
      return false;
    }
    const sequence = recordSequence(datagram, at);
    if (!replay.fresh(sequence)) {
      this.stats.replayed++;
      this.#drop('replayed');
      return false;
    }
    const plain = opener.open(datagram, at, length);
    if (plain < 0) {
      this.stats.notAuthentic++;
      this.#drop('not-authentic');
      return false;
    }
    replay.mark(sequence);
    this.stats.recordsIn++;
    this.#content(datagram[at]!, opener.plaintext, opener.plaintextOffset, plain, now);
    return true;
  }

  /** An authentic record of epoch 1. */
  #content(type: number, buffer: Buffer, offset: number, length: number, now: number): void {
    if (type === CONTENT_TYPE.applicationData) {
      if (this.#state !== CONNECTION_STATE.connected) {
        // The peer has completed the handshake: its last flight was lost or is late.
        this.#drop('unexpected');
        this.#handshake?.peerIsAhead(now);
        return;
      }
      if (this.#handshake) {
        this.#handshake = undefined;
        this.#host.scheduled(this);
      }
      this.stats.bytesIn += length;
      this.#host.data(this, buffer, offset, length);
    } else if (type === CONTENT_TYPE.handshake) {
      if (this.#state === CONNECTION_STATE.connected && !this.#handshake?.isLastFlight(buffer, offset, length)) {
        this.#refuseRenegotiation(now);
      } else this.#handshake?.receive(buffer, offset, length, 1, now);
    } else if (type === CONTENT_TYPE.alert) {
      this.#alert(buffer, offset, length);
    } else this.#drop('unexpected');
  }

  #plainRecord(datagram: Buffer, at: number, length: number, now: number): boolean {
    const handshake = this.#handshake;
    const type = datagram[at]!;
    if (!handshake) {
      this.#drop('epoch');
      return false;
    }
    const body = at + RECORD_HEADER_LENGTH;
    if (type === CONTENT_TYPE.handshake) return handshake.receive(datagram, body, length, 0, now);
    // Nothing depends on ChangeCipherSpec: the epoch in each record identifies its keys.
    if (type === CONTENT_TYPE.changeCipherSpec && length === 1 && datagram[body] === 1) return true;
    if (type === CONTENT_TYPE.alert && this.#state === CONNECTION_STATE.handshaking) {
      this.#alert(datagram, body, length);
      return true;
    }
    this.#drop('unexpected');
    return false;
  }

  #alert(buffer: Buffer, offset: number, length: number): void {
    if (length !== ALERT_LENGTH) {
      this.#drop('malformed');
      return;
    }
    const level = buffer[offset]!;
    const code = buffer[offset + 1]!;
    if (code === ALERT.close_notify) {
      // RFC 5246 §7.2.1: answered with our own.
      if (this.connected) this.#sendAlert(ALERT_LEVEL.warning, 'close_notify');
      this.end('close-notify');
    } else if (level === ALERT_LEVEL.fatal) {
      const alert = alertName(code);
      const explanation = `The peer ended the association with the alert ${alert}.`;
      this.end('alert', { alert, explanation, ...(this.connected ? {} : otherKey(alert)) });
    }
  }

  /** RFC 5746 §4.5 and RFC 5246 §7.2.2: the association continues. */
  #refuseRenegotiation(now: number): void {
    this.#drop('unexpected');
    if (now - this.#warnedAt < WARNING_MIN_MS) return;
    this.#warnedAt = now;
    this.#sendAlert(ALERT_LEVEL.warning, 'no_renegotiation');
  }

  #sendAlert(level: number, name: AlertName): void {
    const epoch = this.connected ? 1 : (this.#handshake?.writeEpoch ?? 0);
    this.#sendRecord(CONTENT_TYPE.alert, epoch, Buffer.from([level, ALERT[name]]), 0, ALERT_LENGTH);
  }

  #sendRecord(type: number, epoch: 0 | 1, buffer: Buffer, offset: number, length: number): boolean {
    const { records } = this;
    if (records.exhausted(epoch)) {
      this.end('sequence-overflow', {
        explanation: `All ${MAX_SEQUENCE + 1} record sequence numbers are used up; a new handshake is required.`,
      });
      return false;
    }
    const { memory } = this.#host.config;
    memory.reserve(records.overhead(epoch) + length);
    this.#host.transmit(this, records.write(memory.buffer, memory.offset, type, epoch, buffer, offset, length));
    return true;
  }

  #drop(reason: DropReason): void {
    this.#host.dropped(this, reason);
  }
}

/** Alerts of a handshake whose Finished could not be decrypted or does not match. */
function otherKey(alert: string): { readonly otherKey?: boolean } {
  return alert === 'bad_record_mac' || alert === 'decrypt_error' ? { otherKey: true } : {};
}
