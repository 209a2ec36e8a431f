import { errorText, TunneliteError } from '../../lib/errors.ts';
import { excused } from '../../lib/late-tick.ts';
import { writeCstpControl, writeCstpData } from '../../tls/cstp-records.ts';
import { CSTP_HEADER_BYTES, CstpReader, CstpType, DISCONNECT_BY_USER } from '../../wire/cstp.ts';
import { DPD_DEAD_FACTOR, DPD_REPEAT_SHARE } from './constants.ts';
import type { ControlConnection } from './control-connection.ts';
import { cut } from './not-a-gateway.ts';

/** The owner of a link. */
export interface CstpLinkOwner {
  now(): number;
  onBatch(): void;
  /** A packet, `buffer[offset, offset + length)`, valid during the call only. */
  onPacket(buffer: Buffer, offset: number, length: number): void;
  onBatchEnd(): void;
  /** The link has ended. @param final the gateway ended the session, or does not speak CSTP */
  onEnd(error: TunneliteError, final: boolean): void;
}

/** Timings of a link in milliseconds, 0 = off. */
export interface CstpLinkTimes {
  readonly dpd: number;
  readonly keepalive: number;
}

/** IP packets to and from the gateway in CSTP (draft-mavrogiannopoulos-openconnect), and dead peer detection. Has no timers of its own. */
export class CstpLink {
  readonly #connection: ControlConnection;
  readonly #reader: CstpReader;
  readonly #owner: CstpLinkOwner;
  readonly #times: CstpLinkTimes;
  #heard: number;
  #sent: number;
  #asked: number;
  /** Deadline for the answer to our own DPD request. */
  #answerDue = Number.POSITIVE_INFINITY;
  #ended = false;

  constructor(connection: ControlConnection, mtu: number, times: CstpLinkTimes, owner: CstpLinkOwner) {
    this.#connection = connection;
    connection.writer.expect(mtu + CSTP_HEADER_BYTES);
    this.#times = times;
    this.#owner = owner;
    const now = owner.now();
    this.#heard = now;
    this.#sent = now;
    this.#asked = now;
    this.#reader = new CstpReader((type, buffer, offset, length) => this.#packet(type, buffer, offset, length));
  }

  get connection(): ControlConnection {
    return this.#connection;
  }

  /** Starts reading. Bytes received together with the gateway's answer are processed first. */
  start(): void {
    const { socket } = this.#connection;
    socket.on('error', (error) => this.#lost(`The connection was lost: ${errorText(error)}.`));
    socket.on('close', () => this.#lost('The gateway closed the connection.'));
    this.#connection.listen((chunk) => this.#bytes(chunk));
  }

  /** Sends a packet, `buffer[offset, offset + length)`; the eight bytes before it are overwritten. False: dropped. */
  send(buffer: Buffer, offset: number, length: number): boolean {
    this.#sent = this.#owner.now();
    return writeCstpData(this.#connection.writer, buffer, offset, length);
  }

  /** Sends a DPD request; the answer must arrive within this many milliseconds. */
  question(now: number, patience: number): void {
    // Silence before this, such as during sleep, does not count.
    this.#heard = now;
    this.#answerDue = now + patience;
    this.#ask(now);
  }

  /** Stops reading for now. */
  pause(): void {
    this.#connection.socket.pause();
  }

  resume(): void {
    this.#connection.socket.resume();
  }

  /** Discards the link and closes its connection, without a disconnect packet. */
  drop(): void {
    this.#stop();
    this.#connection.close();
  }

  /** Sends the disconnect packet. The connection then closes, and `done` is called. */
  goodbye(done: () => void): void {
    this.#stop();
    const { socket, writer } = this.#connection;
    if (socket.destroyed) {
      done();
      return;
    }
    writeCstpControl(writer, CstpType.Disconnect, Buffer.from([DISCONNECT_BY_USER, ...Buffer.from('client closed')]));
    socket.once('close', done);
    socket.once('end', () => socket.destroy());
    socket.resume();
    writer.close(() => socket.end());
  }

  /** Time has passed: DPD request after one DPD period of silence, dead after two (as openconnect 9.01). Returns when to call again. */
  tick(now: number, late: number): number {
    if (this.#ended) return Number.POSITIVE_INFINITY;
    const { dpd, keepalive } = this.#times;
    if (late > 0) {
      this.#heard = excused(this.#heard, late, now);
      this.#asked = excused(this.#asked, late, now);
      this.#answerDue += late;
    }
    const silence = now - this.#heard;
    if ((dpd > 0 && silence > dpd * DPD_DEAD_FACTOR) || now > this.#answerDue) {
      this.#lost(`The gateway has been silent for ${Math.round(silence / 1000)} s.`);
      return Number.POSITIVE_INFINITY;
    }
    if (dpd > 0 && silence >= dpd && now - this.#asked >= dpd * DPD_REPEAT_SHARE) this.#ask(now);
    if (keepalive > 0 && now - this.#sent >= keepalive) {
      this.#sent = now;
      writeCstpControl(this.#connection.writer, CstpType.Keepalive);
    }
    let due = this.#answerDue + 1;
    if (keepalive > 0) due = Math.min(due, this.#sent + keepalive);
    if (dpd > 0) {
      const ask = Math.max(this.#heard + dpd, this.#asked + dpd * DPD_REPEAT_SHARE);
      due = Math.min(due, ask, this.#heard + dpd * DPD_DEAD_FACTOR + 1);
    }
    return due;
  }

  #ask(now: number): void {
    this.#asked = now;
    this.#sent = now;
    writeCstpControl(this.#connection.writer, CstpType.DpdRequest);
  }

  #bytes(chunk: Buffer): void {
    if (this.#ended) return;
    this.#heard = this.#owner.now();
    this.#answerDue = Number.POSITIVE_INFINITY;
    this.#owner.onBatch();
    const fault = this.#reader.push(chunk);
    if (fault) {
      this.#end(
        new TunneliteError('ERR_CLIENT_PROTOCOL', `The gateway sent bytes that are not CSTP (${fault}).`),
        true,
      );
    } else if (!this.#ended) this.#owner.onBatchEnd();
  }

  #packet(type: number, buffer: Buffer, offset: number, length: number): void {
    switch (type) {
      case CstpType.Data:
        this.#owner.onPacket(buffer, offset, length);
        return;
      case CstpType.DpdRequest:
        writeCstpControl(this.#connection.writer, CstpType.DpdResponse, buffer.subarray(offset, offset + length));
        return;
      case CstpType.Disconnect:
      case CstpType.Terminate:
        this.#end(endedByGateway(buffer, offset, length), true);
        return;
      case CstpType.Compressed: {
        const message = 'The gateway sent a compressed packet, but no compression was negotiated.';
        this.#end(new TunneliteError('ERR_CLIENT_PROTOCOL', message), true);
        return;
      }
      default: // DPD responses and keepalives: their arrival is enough
    }
  }

  #lost(message: string): void {
    this.#end(new TunneliteError('ERR_CLIENT_DISCONNECTED', message), false);
  }

  #stop(): void {
    this.#ended = true;
    this.#reader.stop();
  }

  #end(error: TunneliteError, final: boolean): void {
    if (this.#ended) return;
    this.drop();
    this.#owner.onEnd(error, final);
  }
}

/** The gateway ended the session; includes its code and optional text. */
export function endedByGateway(buffer: Buffer, offset: number, length: number): TunneliteError {
  const text = cut(buffer.toString('utf8', offset + Math.min(1, length), offset + length), 200);
  return new TunneliteError('ERR_CLIENT_DISCONNECTED', `The gateway ended the session${text ? `: ${text}` : '.'}`);
}
