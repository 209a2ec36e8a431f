import type { CloseDetails, CloseReason, DtlsAssociation, DtlsPeer } from '../../dtls/association/types.ts';
import type { FaultPorts } from '../../faults/ports.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Sleeper } from '../../lib/deadline-heap.ts';
import { endpointText } from '../../lib/endpoint.ts';
import type { Emit } from '../../telemetry/events.ts';
import { type DatagramGate, type DatagramPlace, type Endpoint, endpointOf } from '../../udp/index.ts';
import { answerDpdInPlace, DTLS_CHANNEL_HEADER, DtlsPacketType, serializeDpdRequest } from '../../wire/dtls-channel.ts';
import type { DataChannel, TunnelPort } from '../session/channel-ports.ts';
import { type ChannelEvent, ChannelSelection, DataPath } from './channel-selection.ts';
import { NEVER_ARRIVED_MS } from './data-channel-constants.ts';

/** Counters shared by all channels of a gateway. */
export interface DataChannelCounters {
  packetsIn: number;
  packetsOut: number;
  bytesIn: number;
  bytesOut: number;
  dpdAnswered: number;
  probes: number;
  unknownTypes: number;
  tooLarge: number;
  switches: number;
}

/** Initial counters of a gateway. */
export function newDataChannelCounters(): DataChannelCounters {
  return {
    packetsIn: 0,
    packetsOut: 0,
    bytesIn: 0,
    bytesOut: 0,
    dpdAnswered: 0,
    probes: 0,
    unknownTypes: 0,
    tooLarge: 0,
    switches: 0,
  };
}

export interface DtlsDataChannelOptions {
  readonly tunnel: TunnelPort;
  /** The required session id of the ClientHello, one character for each byte. */
  readonly key: string;
  /** The machine's clock. */
  readonly clock: Clock;
  readonly emit: Emit;
  /** The UDP port announced to the client. */
  readonly port: number;
  readonly counters: DataChannelCounters;
  /** Faults injected into single packets. */
  readonly faults?: FaultPorts | undefined;
  /** Called when a delayed packet was passed on. */
  readonly onBatchEnd?: () => void;
  /** Called when the time of the next check has become earlier. */
  readonly onSooner: (channel: DtlsDataChannel) => void;
  /** Called once by `close`, so that ClientHellos no longer find this channel. */
  readonly onClose: (channel: DtlsDataChannel) => void;
}

/** Formats a peer as `address:port`. */
function show(peer: DtlsPeer): string {
  return endpointText(peer.address, peer.port);
}

/**
 * The DTLS side of one tunnel: the packets inside an association, dead peer detection, and the choice of the channel for data.
 * It outlives associations: the client may end one and start another handshake with the same id.
 */
export class DtlsDataChannel implements DataChannel, Sleeper {
  /** These two are used by the code that checks the channel. */
  heapIndex = -1;
  readonly tunnel: TunnelPort;
  /** The id as a Map key. */
  readonly key: string;
  readonly #options: DtlsDataChannelOptions;
  readonly #selection: ChannelSelection;
  readonly #counters: DataChannelCounters;
  #association: DtlsAssociation<DtlsDataChannel> | undefined;
  readonly #offeredAt: number;
  /** A packet of the client arrived, or its absence was reported. */
  #arrived = false;
  #active = false;
  #reportedType = -1;
  #closed = false;
  /** Time of the probe before a jump of time; NaN = none. */
  #askedAt = Number.NaN;

  constructor(options: DtlsDataChannelOptions) {
    this.#options = options;
    this.tunnel = options.tunnel;
    this.key = options.key;
    this.#counters = options.counters;
    this.#selection = new ChannelSelection({ dpd: options.tunnel.dpd * 1000 });
    this.#offeredAt = options.clock.monotonic();
    this.#selection.apply('cstp-up', this.#offeredAt);
  }

  /** True while data to the client goes over DTLS. */
  get active(): boolean {
    return this.#active;
  }

  get cipher(): string | undefined {
    return this.#association?.cipherSuite;
  }

  get remote(): string | undefined {
    return this.#association && show(this.#association.peer);
  }

  /** State of the channel selection, for tests and views. */
  get path(): DataPath {
    return this.#selection.path;
  }

  get association(): DtlsAssociation<DtlsDataChannel> | undefined {
    return this.#association;
  }

  send(buffer: Buffer, offset: number, length: number): 'sent' | 'too-large' | 'dropped' {
    const association = this.#association;
    if (!association) return 'dropped';
    if (length > this.tunnel.mtu || length + DTLS_CHANNEL_HEADER > association.maxPlaintext) {
      this.#counters.tooLarge++;
      return 'too-large';
    }
    // The byte before the packet may be overwritten.
    buffer[offset - 1] = DtlsPacketType.Data;
    if (!this.#transmit(association, buffer, offset - 1, length + DTLS_CHANNEL_HEADER)) return 'dropped';
    if (!this.#selection.waiting) {
      this.#selection.sent(this.#options.clock.monotonic());
      this.#options.onSooner(this);
    }
    this.#counters.packetsOut++;
    this.#counters.bytesOut += length;
    return 'sent';
  }

  controlDataReceived(): void {
    if (this.#closed) return;
    const { path } = this.#selection;
    if (path !== DataPath.Cstp && path !== DataPath.DtlsUnused)
      this.#apply('cstp-data', this.#options.clock.monotonic());
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#active = false;
    this.#options.onClose(this);
    const association = this.#association;
    this.#association = undefined;
    if (!association) return;
    association.close();
    this.#options.emit('channel.dtls.close', {
      session: this.tunnel.id,
      remote: show(association.peer),
      reason: 'the tunnel ended',
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** When `check` must be called, if nothing happens before; becomes earlier only with a call of `onSooner`. */
  get nextLook(): number {
    if (this.#closed) return Infinity;
    return Math.min(this.#selection.nextLook, this.#arrived ? Infinity : this.#offeredAt + NEVER_ARRIVED_MS);
  }

  /** Ends the association and keeps the channel: the client may start another one with the same id. */
  closeAssociation(): void {
    this.#association?.close();
  }

  /** Call when the client starts a handshake. */
  helloArrived(): void {
    this.#arrived = true;
  }

  /** Call when a handshake is complete; the new association replaces the previous one, if any. */
  connected(association: DtlsAssociation<DtlsDataChannel>, now: number): void {
    if (this.#closed) {
      association.close();
      return;
    }
    this.#association = association;
    this.#options.emit('channel.dtls.open', {
      session: this.tunnel.id,
      remote: show(association.peer),
      cipher: association.cipherSuite,
      mtu: this.tunnel.mtu,
    });
    this.#apply('dtls-up', now);
  }

  /** Call when an association of this channel ended, even one that was already replaced. */
  disconnected(
    association: DtlsAssociation<DtlsDataChannel>,
    reason: CloseReason,
    details: CloseDetails,
    now: number,
  ): void {
    if (this.#closed || association !== this.#association) return;
    this.#association = undefined;
    this.#options.emit('channel.dtls.close', {
      session: this.tunnel.id,
      remote: show(association.peer),
      reason: details.explanation ?? (details.alert ? `${reason} (${details.alert})` : reason),
    });
    this.#apply('dtls-down', now);
  }

  moved(from: DtlsPeer, to: DtlsPeer): void {
    if (this.#closed) return;
    this.#options.emit('channel.dtls.move', { session: this.tunnel.id, from: show(from), to: show(to) });
  }

  /** Processes one authentic packet; `buffer[offset]` is its type. */
  input(
    association: DtlsAssociation<DtlsDataChannel>,
    buffer: Buffer,
    offset: number,
    length: number,
    now: number,
  ): void {
    if (this.#closed || association !== this.#association || length < DTLS_CHANNEL_HEADER) return;
    const gate = this.#options.faults?.packets;
    if (gate !== undefined && !this.#passes(gate, 'in', buffer, offset, length)) return;
    this.#receive(association, buffer, offset, length, now);
  }

  #receive(
    association: DtlsAssociation<DtlsDataChannel>,
    buffer: Buffer,
    offset: number,
    length: number,
    now: number,
  ): void {
    if (this.#closed) return;
    if (buffer[offset] === DtlsPacketType.Data) {
      if (!this.#selection.heardData(now)) this.#apply('dtls-data', now);
      this.#counters.packetsIn++;
      this.#counters.bytesIn += length - DTLS_CHANNEL_HEADER;
      this.tunnel.receive(buffer, offset + DTLS_CHANNEL_HEADER, length - DTLS_CHANNEL_HEADER);
      return;
    }
    this.#control(association, buffer, offset, length, now);
  }

  /** Checks for silence; called about twice a second after `nextLook`. No input was read for the last `late` milliseconds. */
  check(now: number, late = 0): void {
    if (this.#closed) return;
    if (late > 0) this.#selection.excuse(late, now);
    if (!this.#arrived && now - this.#offeredAt >= NEVER_ARRIVED_MS) this.#tellMissing();
    switch (this.#selection.check(now)) {
      case 'probe':
        this.#probe();
        return;
      case 'silent':
        this.#apply('dtls-silent', now);
        return;
      default:
        return;
    }
  }

  /** Before a jump of time: probes the client if the jump would end the channel. */
  askBefore(leap: number, now: number): void {
    this.#askedAt = Number.NaN;
    if (this.#closed || !this.#selection.silentAfter(leap, now)) return;
    this.#askedAt = now;
    this.#probe();
  }

  /** Whether a probe is unanswered. */
  get asked(): boolean {
    return !this.#closed && this.#selection.heard < this.#askedAt;
  }

  /**
   * Adjusts for time that has passed more (or, below zero, less) by the clock for silence than by the machine's.
   * @param since a client heard after this is alive
   */
  shift(silence: number, since: number, now: number): void {
    if (this.#selection.heard < since) this.#selection.shift(silence, now);
  }

  #probe(): void {
    this.#counters.probes++;
    const probe = serializeDpdRequest();
    if (this.#association) this.#transmit(this.#association, probe, 0, probe.length);
  }

  #transmit(association: DtlsAssociation<DtlsDataChannel>, buffer: Buffer, offset: number, length: number): boolean {
    const gate = this.#options.faults?.packets;
    // A packet dropped by a fault counts as sent, since it is lost on the way.
    if (gate !== undefined && !this.#passes(gate, 'out', buffer, offset, length)) return true;
    return association.send(buffer, offset, length);
  }

  #passes(gate: DatagramGate, direction: 'in' | 'out', buffer: Buffer, offset: number, length: number): boolean {
    const remote = this.#association?.peer as Endpoint;
    return gate.pass({ direction, buffer, offset, length, remote, session: this.tunnel.id }, this.#place);
  }

  readonly #place: DatagramPlace = {
    endpoint: endpointOf,
    later: (direction, bytes) => this.#later(direction, bytes),
  };

  #later(direction: 'in' | 'out', bytes: Buffer): void {
    const association = this.#association;
    if (!association) return;
    if (direction === 'out') {
      association.send(bytes, 0, bytes.length);
      return;
    }
    this.#receive(association, bytes, 0, bytes.length, this.#options.clock.monotonic());
    this.#options.onBatchEnd?.();
  }

  #tellMissing(): void {
    this.#arrived = true;
    const { port } = this.#options;
    this.#options.emit('channel.dtls.missing', {
      session: this.tunnel.id,
      port,
      explanation: `Nothing was received from the client on the announced UDP port ${port}, so its data stays on TLS. A firewall drops UDP, or a port mapping (Docker, NAT) covers only TCP or has another UDP port: then set gateway.announcedUdpPort to that port.`,
    });
  }

  #control(
    association: DtlsAssociation<DtlsDataChannel>,
    buffer: Buffer,
    offset: number,
    length: number,
    now: number,
  ): void {
    const type = buffer[offset];
    this.#apply('dtls-sign', now);
    switch (type) {
      case DtlsPacketType.DpdRequest:
        if (!this.tunnel.answersDpd()) return;
        answerDpdInPlace(buffer, offset);
        this.#transmit(association, buffer, offset, length);
        this.#counters.dpdAnswered++;
        return;
      case DtlsPacketType.DpdResponse:
      case DtlsPacketType.Keepalive:
        return;
      case DtlsPacketType.Disconnect:
        this.tunnel.disconnectedByClient(Buffer.from(buffer.subarray(offset + DTLS_CHANNEL_HEADER, offset + length)));
        return;
      case DtlsPacketType.CompressedData:
        this.tunnel.protocolError(
          'dtls',
          'compressed',
          'A compressed packet was received, but no compression was negotiated.',
        );
        return;
      default:
        this.#counters.unknownTypes++;
        if (type !== this.#reportedType) {
          this.#reportedType = type ?? -1;
          this.#options.emit('channel.protocol-error', {
            session: this.tunnel.id,
            channel: 'dtls',
            reason: 'unknown-type',
            explanation: `A packet of the unknown type ${type} was ignored.`,
          });
        }
    }
  }

  #apply(event: ChannelEvent, now: number): void {
    const { path } = this.#selection;
    const change = this.#selection.apply(event, now);
    this.#active = this.#selection.channel === 'dtls';
    if (this.#selection.path !== path) this.#options.onSooner(this);
    if (!change) return;
    this.#counters.switches++;
    const silence = change.to === 'cstp' ? { silence: now - this.#selection.heard } : {};
    this.#options.emit('channel.switch', { session: this.tunnel.id, ...change, ...silence });
    this.tunnel.channelChanged();
  }
}
