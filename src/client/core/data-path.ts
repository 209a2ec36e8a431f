import type { DtlsClientCredentials } from '../../dtls/association/types.ts';
import { DtlsClient } from '../../dtls/client.ts';
import type { CipherSuiteName } from '../../dtls/protocol/cipher-suites.ts';
import type { RecordProtection } from '../../dtls/record/record-protection.ts';
import { excused } from '../../lib/late-tick.ts';
import type { RandomSource } from '../../lib/random.ts';
import { type DatagramMemory, SlabMemory } from '../../udp/datagram-memory.ts';
import { endpointOf } from '../../udp/datagram-socket.ts';
import { answerDpdInPlace, DTLS_CHANNEL_HEADER, DtlsPacketType } from '../../wire/dtls-channel.ts';
import { backoff } from './backoff.ts';
import type { Carrier, DatagramPort, DatagramSink, Target } from './carrier.ts';
import { DPD_DEAD_FACTOR, DPD_REPEAT_SHARE, DTLS_HANDSHAKE_MS, UNANSWERED_PROBE_MS } from './constants.ts';
import { DataPathEvent, DataPathState, nextDataPath } from './data-path-state.ts';
import { PathMtu } from './path-mtu.ts';

/** The parameters agreed on with CONNECT. Times in milliseconds, 0 = off. */
export interface DataPathTerms {
  readonly target: Target;
  readonly credentials: DtlsClientCredentials;
  /** For the session id of the ClientHello. */
  readonly id: Buffer;
  readonly suites: readonly CipherSuiteName[] | undefined;
  readonly dpd: number;
  readonly keepalive: number;
  /** Smallest and largest inner packet to try, in bytes. */
  readonly leastMtu: number;
  readonly mtu: number;
}

/** The owner of the channel. */
export interface DataPathOwner {
  readonly carrier: Carrier;
  readonly random: RandomSource;
  readonly protection: RecordProtection | undefined;
  readonly keylog: ((line: Buffer) => void) | undefined;
  /** Pauses after failed handshakes, in milliseconds. */
  readonly dtlsRetry: { readonly first: number; readonly most: number };
  /** How long data may be unanswered before it moves to CSTP, in milliseconds; 0 = as long as the DPD allows. */
  readonly unansweredLimit: number;
  now(): number;
  /** Requests a call at that time. */
  wake(at: number): void;
  onBatch(): void;
  onPacket(buffer: Buffer, offset: number, length: number): void;
  onBatchEnd(): void;
  /** Data goes over DTLS from now on, or no longer does. @param why in words */
  onPath(up: boolean, why: string): void;
  /** The gateway ended the session. */
  onDisconnect(buffer: Buffer, offset: number, length: number): void;
}

/** Datagrams of all clients are built here: the memory is free again once a datagram is sent. */
const memory: DatagramMemory = new SlabMemory();
const scratch = Buffer.allocUnsafeSlow(20_480);

/** The DTLS channel of one client: handshakes, liveness, and packet size. Has no timers of its own. */
export class DataPath implements DatagramSink {
  readonly #owner: DataPathOwner;
  #state: DataPathState = DataPathState.Off;
  #terms: DataPathTerms | undefined;
  #port: DatagramPort | undefined;
  #engine: DtlsClient | undefined;
  #mtu: PathMtu | undefined;
  #failures = 0;
  #retryAt = Number.POSITIVE_INFINITY;
  #heard = 0;
  #sent = 0;
  #probed = 0;
  /** When the oldest data without any later reply was sent; undefined = there is none. */
  #unanswered: number | undefined;
  #questioned = 0;
  #batch = false;
  #paused = false;

  constructor(owner: DataPathOwner) {
    this.#owner = owner;
  }

  get state(): DataPathState {
    return this.#state;
  }

  /** Data goes over DTLS. */
  get up(): boolean {
    return this.#state === DataPathState.Up;
  }

  /** Largest packet that passes, as far as is known, in bytes. */
  get mtu(): number {
    return this.#mtu?.value ?? 0;
  }

  /** Name of the cipher suite while the channel is up. */
  get cipherSuite(): string | undefined {
    return this.#engine?.association?.cipherSuite;
  }

  /** A tunnel with DTLS was opened. */
  offer(terms: DataPathTerms): void {
    const { up } = this;
    this.#forget();
    this.#paused = false;
    this.#terms = terms;
    this.#failures = 0;
    this.#move(DataPathEvent.Offer);
    this.#begin();
    if (up) this.#owner.onPath(false, 'a new tunnel');
  }

  /** The tunnel is gone. */
  withdraw(why: string): void {
    if (this.#state === DataPathState.Off) return;
    const { up } = this;
    this.#forget();
    this.#terms = undefined;
    this.#move(DataPathEvent.Withdraw);
    if (up) this.#owner.onPath(false, why);
  }

  /** Replaces the channel by a new one from another port, as after silence. */
  renew(why: string): void {
    if (!this.up) return;
    this.#forget();
    this.#move(DataPathEvent.Silent);
    this.#begin();
    this.#owner.onPath(false, why);
  }

  /** Sends an IP packet; the byte before it is overwritten. False: use another channel. */
  send(buffer: Buffer, offset: number, length: number): boolean {
    const association = this.#engine?.association;
    if (!association || !this.up || length > this.mtu) return false;
    buffer[offset - DTLS_CHANNEL_HEADER] = DtlsPacketType.Data;
    if (!association.send(buffer, offset - DTLS_CHANNEL_HEADER, length + DTLS_CHANNEL_HEADER)) return false;
    const now = this.#owner.now();
    this.#sent = now;
    if (this.#unanswered === undefined) {
      this.#unanswered = now;
      this.#questioned = now;
      this.#owner.wake(now + UNANSWERED_PROBE_MS);
    }
    return true;
  }

  /** The gateway sent data over CSTP. If our own data over DTLS is unanswered too, DTLS is dead in at least one direction. */
  overtaken(now: number): void {
    const since = this.#unanswered;
    if (!this.up || since === undefined) return;
    if (now - Math.max(since, this.#heard) > UNANSWERED_PROBE_MS) this.renew('the gateway moved to TLS');
  }

  /** Ignores incoming data until `question`. */
  pause(): void {
    this.#paused = true;
  }

  /** Resumes, and sends a DPD request, to be answered within this many milliseconds. */
  question(now: number, patience: number): void {
    this.#paused = false;
    if (!this.up) return;
    this.#heard = now;
    this.#ask(now, DTLS_CHANNEL_HEADER);
    // As for data sent just long enough ago that the answer is still in time.
    this.#unanswered = now - Math.max(0, this.#owner.unansweredLimit - patience);
    this.#questioned = now;
    this.#owner.wake(now + UNANSWERED_PROBE_MS);
  }

  /** Time has passed. Returns when to call again. */
  tick(now: number, late: number): number {
    if (late > 0) {
      this.#heard = excused(this.#heard, late, now);
      this.#probed = excused(this.#probed, late, now);
      if (this.#unanswered !== undefined) this.#unanswered = excused(this.#unanswered, late, now);
    }
    this.#engine?.tick(now, late);
    if (this.#state === DataPathState.Waiting && now >= this.#retryAt) {
      this.#move(DataPathEvent.Due);
      this.#begin();
    } else if (this.up) this.#watch(now);
    return this.#deadline();
  }

  // --- DatagramSink ---

  onDatagram(datagram: Buffer): void {
    if (this.#paused) return;
    this.#engine?.input(datagram, this.#owner.now());
    this.#owner.wake(this.#engine?.nextDeadline ?? Number.POSITIVE_INFINITY);
  }

  onBatchEnd(): void {
    if (!this.#batch) return;
    this.#batch = false;
    this.#owner.onBatchEnd();
  }

  // --- handshake ---

  #begin(): void {
    const terms = this.#terms!;
    const { carrier, random, protection, keylog } = this.#owner;
    this.#retryAt = Number.POSITIVE_INFINITY;
    const engine = new DtlsClient({
      peer: endpointOf(terms.target.host, terms.target.port),
      credentials: terms.credentials,
      sessionId: terms.id,
      cipherSuites: terms.suites,
      memory,
      protection,
      random,
      ...(keylog && { onKeylog: (line: string) => keylog(Buffer.from(`${line}\n`)) }),
      // The real gateway does not support it, and with some peers an offer alone changes the keys of a resumed session (ocserv 1.3.0 sources).
      extendedMasterSecret: false,
      handshakeTimeout: DTLS_HANDSHAKE_MS,
      send: (buffer, offset, length) => this.#port?.send(buffer, offset, length),
      onConnect: () => this.#secured(),
      onData: (_association, buffer, offset, length) => this.#data(buffer, offset, length),
      onClose: (reason, { explanation }) => {
        if (this.#engine === engine) this.#failed(explanation ?? `the DTLS channel ended: ${reason}`);
      },
    });
    this.#engine = engine;
    const open = (port: DatagramPort): void => {
      if (this.#engine !== engine) {
        port.close();
        return;
      }
      this.#port = port;
      engine.start(this.#owner.now());
      this.#owner.wake(engine.nextDeadline);
    };
    carrier.datagrams(terms.target, this).then(open, (error: Error) => {
      if (this.#engine === engine) this.#failed(`no UDP port could be opened: ${error.message}`);
    });
  }

  #secured(): void {
    const { leastMtu, mtu } = this.#terms!;
    const now = this.#owner.now();
    this.#failures = 0;
    this.#heard = now;
    this.#sent = now;
    this.#probed = now;
    this.#unanswered = undefined;
    this.#mtu = new PathMtu(leastMtu, Math.min(mtu, this.#engine!.association!.maxPlaintext - DTLS_CHANNEL_HEADER));
    this.#move(DataPathEvent.Secured);
    this.#owner.wake(now);
    this.#owner.onPath(true, 'the DTLS handshake is complete');
  }

  #failed(why: string): void {
    const { up } = this;
    this.#forget();
    const { dtlsRetry, random } = this.#owner;
    const pause = backoff(this.#failures++, dtlsRetry.first, dtlsRetry.most, random);
    this.#retryAt = this.#owner.now() + pause;
    this.#move(DataPathEvent.Failed);
    this.#owner.wake(this.#retryAt);
    if (up) this.#owner.onPath(false, why);
  }

  /** Discards engine and port. The owner is notified last, because it may restart or end the channel. */
  #forget(): void {
    const engine = this.#engine;
    const port = this.#port;
    // In this order: the engine's last packets still go out, and its end is not reported.
    this.#engine = undefined;
    engine?.close();
    this.#port = undefined;
    port?.close();
    this.#mtu = undefined;
    this.#unanswered = undefined;
    this.#retryAt = Number.POSITIVE_INFINITY;
    this.onBatchEnd();
  }

  #move(event: DataPathEvent): void {
    this.#state = nextDataPath(this.#state, event);
  }

  // --- established ---

  #data(buffer: Buffer, offset: number, length: number): void {
    this.#heard = this.#owner.now();
    this.#unanswered = undefined;
    if (length === 0) return;
    const type = buffer[offset];
    if (type === DtlsPacketType.Data) {
      if (!this.#batch) {
        this.#batch = true;
        this.#owner.onBatch();
      }
      this.#owner.onPacket(buffer, offset + DTLS_CHANNEL_HEADER, length - DTLS_CHANNEL_HEADER);
    } else if (type === DtlsPacketType.DpdRequest) {
      buffer.copy(scratch, 0, offset, offset + length);
      answerDpdInPlace(scratch, 0);
      this.#control(length);
    } else if (type === DtlsPacketType.DpdResponse) {
      this.#mtu?.passed(length - DTLS_CHANNEL_HEADER);
      this.#owner.wake(this.#mtu?.deadline ?? Number.POSITIVE_INFINITY);
    } else if (type === DtlsPacketType.Disconnect) {
      this.#owner.onDisconnect(buffer, offset + DTLS_CHANNEL_HEADER, length - DTLS_CHANNEL_HEADER);
    }
  }

  #watch(now: number): void {
    const { dpd, keepalive } = this.#terms!;
    const { unansweredLimit } = this.#owner;
    const waiting = this.#unanswered === undefined ? -1 : now - this.#unanswered;
    if (unansweredLimit > 0 && waiting >= unansweredLimit) {
      this.renew(`data was unanswered for ${(waiting / 1000).toFixed(1)} s`);
      return;
    }
    const silence = now - this.#heard;
    if (dpd > 0 && silence > dpd * DPD_DEAD_FACTOR) {
      this.renew(`nothing was received over DTLS for ${Math.round(silence / 1000)} s`);
      return;
    }
    const size = this.#mtu!.next(now);
    if (size > 0) this.#ask(now, size + DTLS_CHANNEL_HEADER);
    if (unansweredLimit > 0 && waiting >= 0 && now - this.#questioned >= UNANSWERED_PROBE_MS) {
      this.#questioned = now;
      this.#ask(now, DTLS_CHANNEL_HEADER);
    }
    if (dpd > 0 && silence >= dpd && now - this.#probed >= dpd * DPD_REPEAT_SHARE) this.#ask(now, DTLS_CHANNEL_HEADER);
    if (keepalive > 0 && now - this.#sent >= keepalive) {
      scratch[0] = DtlsPacketType.Keepalive;
      this.#control(DTLS_CHANNEL_HEADER);
    }
  }

  #ask(now: number, length: number): void {
    scratch.fill(0x5a, 0, length);
    scratch[0] = DtlsPacketType.DpdRequest;
    this.#probed = now;
    this.#control(length);
  }

  #control(length: number): void {
    this.#sent = this.#owner.now();
    this.#engine?.association?.send(scratch, 0, length);
  }

  #deadline(): number {
    if (this.#state === DataPathState.Waiting) return this.#retryAt;
    let due = this.#engine?.nextDeadline ?? Number.POSITIVE_INFINITY;
    if (!this.up) return due;
    const { dpd, keepalive } = this.#terms!;
    const { unansweredLimit } = this.#owner;
    due = Math.min(due, this.#mtu!.deadline);
    if (dpd > 0) {
      const repeat = this.#probed + dpd * DPD_REPEAT_SHARE;
      due = Math.min(due, Math.max(this.#heard + dpd, repeat), this.#heard + dpd * DPD_DEAD_FACTOR + 1);
    }
    if (keepalive > 0) due = Math.min(due, this.#sent + keepalive);
    if (unansweredLimit > 0 && this.#unanswered !== undefined) {
      due = Math.min(due, this.#questioned + UNANSWERED_PROBE_MS, this.#unanswered + unansweredLimit);
    }
    return due;
  }
}
