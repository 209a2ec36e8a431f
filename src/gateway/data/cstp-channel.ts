import type { TLSSocket } from 'node:tls';
import {
  CSTP_HEADER_BYTES,
  CSTP_MAX_PAYLOAD,
  CstpReader,
  CstpType,
  serializeCstp,
  writeCstpHeader,
} from '../../wire/cstp.ts';
import { DPD_DEAD_FACTOR, DPD_PROBE_FACTOR } from '../constants.ts';
import type { Transport } from '../control/transport.ts';
import type { ControlChannel, GatewaySession } from '../session/session.ts';
import type { RecordWriter } from './record-writer.ts';

const NOTHING = new Uint8Array(0);

const FAULTS = {
  magic: 'The bytes are no CSTP packet: it would start with "STF".',
  version: 'A CSTP packet has another version than 1.',
  reserved: 'The last byte of a CSTP header is not zero.',
  length: `A CSTP packet says it is longer than ${CSTP_MAX_PAYLOAD} bytes.`,
} as const;

/** What the channel asks of the connection that it took over. */
export interface CstpConnection {
  readonly tls: TLSSocket;
  readonly transport: Transport;
  readonly writer: RecordWriter;
  readonly remote: string;
  /** Closes TLS and TCP in order, after what is queued. */
  closeConnection(): void;
  readonly monotonic: () => number;
}

/** CSTP on one TLS connection, from the answer to CONNECT to its end (reference openconnect-protocol §6). */
export class CstpChannel implements ControlChannel {
  readonly remote: string;
  readonly #connection: CstpConnection;
  readonly #session: GatewaySession;
  readonly #reader: CstpReader;
  #heardAt: number;
  #probedAt = 0;
  #closed = false;
  /** Data packets came since the last end of a batch. */
  #dirty = false;
  /** Packets of unknown types, which are ignored. */
  unknownTypes = 0;

  constructor(connection: CstpConnection, session: GatewaySession) {
    this.#connection = connection;
    this.#session = session;
    this.remote = connection.remote;
    this.#heardAt = connection.monotonic();
    connection.writer.expect(session.mtu + CSTP_HEADER_BYTES);
    this.#reader = new CstpReader((type, buffer, offset, length) => this.#onPacket(type, buffer, offset, length));
  }

  /** Takes bytes of the connection, from directly behind the CONNECT request on. */
  receive(chunk: Buffer): void {
    if (this.#closed) return;
    const fault = this.#reader.push(chunk);
    if (fault && !this.#closed) this.#session.protocolError(fault, FAULTS[fault]);
  }

  /** One socket read is over. */
  batchEnd(): void {
    this.#heardAt = this.#connection.monotonic();
    if (!this.#dirty) return;
    this.#dirty = false;
    this.#session.receiveEnd();
  }

  sendData(buffer: Buffer, offset: number, length: number): boolean {
    if (length > CSTP_MAX_PAYLOAD || offset < CSTP_HEADER_BYTES) return false;
    writeCstpHeader(buffer, offset - CSTP_HEADER_BYTES, CstpType.Data, length);
    return this.#connection.writer.write(buffer, offset - CSTP_HEADER_BYTES, offset + length);
  }

  checkLiveness(now: number, dpd: number): number | undefined {
    if (dpd <= 0) return undefined;
    const silence = now - this.#heardAt;
    if (silence > dpd * 1000 * DPD_DEAD_FACTOR) return silence;
    if (silence > dpd * 1000 * DPD_PROBE_FACTOR && now - this.#probedAt >= dpd * 500) {
      this.#probedAt = now;
      this.#send(CstpType.DpdRequest);
    }
    return undefined;
  }

  close(notify: boolean): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reader.stop();
    if (notify) this.#send(CstpType.Disconnect);
    this.#connection.closeConnection();
  }

  /** The connection ended by itself. */
  lost(why: string): void {
    this.#session.connectionLost(this, why);
  }

  #send(type: number, payload: Uint8Array = NOTHING): void {
    const { writer } = this.#connection;
    // An answer that is too long for one record now is cut: half an answer in each of two would end the client.
    const packet = serializeCstp(type, payload.subarray(0, writer.largest - CSTP_HEADER_BYTES));
    writer.write(packet, 0, packet.length);
  }

  #onPacket(type: number, buffer: Buffer, offset: number, length: number): void {
    switch (type) {
      case CstpType.Data:
        this.#dirty = true;
        this.#session.receiveControlData(buffer, offset, length);
        break;
      case CstpType.DpdRequest:
        this.#send(CstpType.DpdResponse, buffer.subarray(offset, offset + length));
        break;
      case CstpType.Disconnect:
        this.#session.disconnectedByClient(buffer.subarray(offset, offset + length));
        break;
      case CstpType.Compressed:
        this.#session.protocolError('compressed', 'A compressed packet came although no compression was agreed on.');
        break;
      case CstpType.DpdResponse:
      case CstpType.Keepalive:
      case CstpType.Terminate:
        break;
      default:
        this.unknownTypes++;
    }
  }
}
