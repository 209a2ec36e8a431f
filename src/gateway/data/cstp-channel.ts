import { excused } from '../../lib/late-tick.ts';
import { writeCstpControl, writeCstpData } from '../../tls/cstp-records.ts';
import type { RecordWriter } from '../../tls/record-writer.ts';
import { CSTP_HEADER_BYTES, CSTP_MAX_PAYLOAD, CstpReader, CstpType } from '../../wire/cstp.ts';
import type { ControlChannel } from '../session/channel-ports.ts';
import type { Tunnel } from '../session/tunnel.ts';
import { DPD_DEAD_FACTOR, DPD_PROBE_FACTOR } from './constants.ts';

const FAULTS = {
  magic: 'The bytes are not a CSTP packet, which starts with "STF".',
  version: 'A CSTP packet has a version other than 1.',
  reserved: 'The last byte of a CSTP header is not zero.',
  length: `The length field of a CSTP packet exceeds ${CSTP_MAX_PAYLOAD} bytes.`,
} as const;

/** What the channel needs from its connection. */
export interface CstpConnection {
  readonly writer: RecordWriter;
  readonly remote: string;
  /** Closes TLS and TCP cleanly, after queued data. */
  closeConnection(): void;
  readonly monotonic: () => number;
}

/** CSTP on one TLS connection, from the answer to CONNECT to its end (draft-mavrogiannopoulos-openconnect). */
export class CstpChannel implements ControlChannel {
  readonly remote: string;
  readonly #connection: CstpConnection;
  readonly #tunnel: Tunnel;
  readonly #reader: CstpReader;
  #heardAt: number;
  #probedAt = 0;
  /** A probe was sent, and nothing was received since. */
  #asked = false;
  #closed = false;

  constructor(connection: CstpConnection, tunnel: Tunnel) {
    this.#connection = connection;
    this.#tunnel = tunnel;
    this.remote = connection.remote;
    this.#heardAt = connection.monotonic();
    connection.writer.expect(tunnel.mtu + CSTP_HEADER_BYTES);
    this.#reader = new CstpReader((type, buffer, offset, length) => this.#onPacket(type, buffer, offset, length));
  }

  /** Processes bytes of the connection, starting directly after the CONNECT request. */
  receive(chunk: Buffer): void {
    if (this.#closed) return;
    const fault = this.#reader.push(chunk);
    if (fault && !this.#closed) this.#tunnel.protocolError('cstp', fault, FAULTS[fault]);
  }

  /** One socket read is over. */
  batchEnd(): void {
    this.#heardAt = this.#connection.monotonic();
    this.#asked = false;
  }

  sendData(buffer: Buffer, offset: number, length: number): boolean {
    return writeCstpData(this.#connection.writer, buffer, offset, length);
  }

  checkLiveness(now: number, dpd: number): number | undefined {
    if (dpd <= 0) return undefined;
    const silence = now - this.#heardAt;
    if (silence > dpd * 1000 * DPD_DEAD_FACTOR && this.#asked) return silence;
    // A probe before the silence is older than that.
    if (silence > dpd * 1000 * DPD_PROBE_FACTOR && now - this.#probedAt >= dpd * 500) this.#probe(now);
    return undefined;
  }

  askBefore(leap: number, dpd: number): boolean {
    const now = this.#connection.monotonic();
    if (dpd <= 0 || now - this.#heardAt + leap <= dpd * 1000 * DPD_DEAD_FACTOR) return false;
    this.#probe(now);
    return true;
  }

  get asked(): boolean {
    return this.#asked;
  }

  vouch(until: number): void {
    this.#heardAt = Math.max(this.#heardAt, until);
  }

  deadAt(dpd: number): number {
    return this.#asked ? this.#heardAt + dpd * 1000 * DPD_DEAD_FACTOR + 1 : Infinity;
  }

  nextLook(dpd: number): number {
    if (dpd <= 0) return Infinity;
    const asks = this.#heardAt + dpd * 1000 * DPD_PROBE_FACTOR;
    return this.#asked ? Math.min(this.deadAt(dpd), Math.max(asks, this.#probedAt + dpd * 500)) : asks;
  }

  excuse(late: number, now: number): void {
    this.#heardAt = excused(this.#heardAt, late, now);
    this.#probedAt = excused(this.#probedAt, late, now);
  }

  close(notify: boolean): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reader.stop();
    if (notify) this.#send(CstpType.Disconnect);
    this.#connection.closeConnection();
  }

  /** Call when the connection was lost. */
  lost(why: string): void {
    this.#tunnel.connectionLost(why);
  }

  #probe(now: number): void {
    this.#probedAt = now;
    this.#asked = true;
    this.#send(CstpType.DpdRequest);
  }

  #send(type: number, payload?: Uint8Array): void {
    writeCstpControl(this.#connection.writer, type, payload);
  }

  #onPacket(type: number, buffer: Buffer, offset: number, length: number): void {
    switch (type) {
      case CstpType.Data:
        this.#tunnel.receiveControlData(buffer, offset, length);
        break;
      case CstpType.DpdRequest:
        if (this.#tunnel.answersDpd()) this.#send(CstpType.DpdResponse, buffer.subarray(offset, offset + length));
        break;
      case CstpType.Disconnect:
        this.#tunnel.disconnectedByClient(buffer.subarray(offset, offset + length));
        break;
      case CstpType.Compressed:
        this.#tunnel.protocolError(
          'cstp',
          'compressed',
          'A compressed packet was received, but no compression was negotiated.',
        );
        break;
      default:
      // Answers, keepalives and unknown types are ignored.
    }
  }
}
