import type { CloseDetails, CloseReason, DtlsAssociation, DtlsCredentials, DtlsPeer } from '../../dtls/types.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Emit } from '../../telemetry/events.ts';
import { answerDpdInPlace, DTLS_CHANNEL_HEADER, DtlsPacketType, serializeDpdRequest } from '../../wire/dtls-channel.ts';
import { type ChannelEvent, ChannelSelection, DataPath } from './channel-selection.ts';
import type { DataChannel, EndReason, TunnelSession } from './data-channel-port.ts';

/** Counters that all channels of a gateway share. */
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

export interface DtlsDataChannelOptions {
  readonly session: TunnelSession;
  /** What the ClientHello has to carry as its session id. */
  readonly id: Buffer;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly counters: DataChannelCounters;
  /** Called once by `close`, so that no ClientHello finds this channel any more. */
  readonly onClose: (channel: DtlsDataChannel) => void;
}

/** `address:port` for people. */
function show(peer: DtlsPeer): string {
  return peer.family === 'IPv6' ? `[${peer.address}]:${peer.port}` : `${peer.address}:${peer.port}`;
}

/**
 * The DTLS side of one tunnel: the packets inside an association, dead peer detection, and the choice of the channel for data.
 * It outlives associations: the client may end one and shake hands again with the same id.
 */
export class DtlsDataChannel implements DataChannel {
  readonly session: TunnelSession;
  /** The id as a Map key. */
  readonly key: string;
  /** Set right after construction: they refer to the channel. */
  credentials: DtlsCredentials<DtlsDataChannel> | undefined;
  /** True while data to the client goes over DTLS. */
  active = false;
  readonly #options: DtlsDataChannelOptions;
  readonly #selection: ChannelSelection;
  readonly #counters: DataChannelCounters;
  #association: DtlsAssociation<DtlsDataChannel> | undefined;
  #reportedType = -1;
  #closed = false;

  constructor(options: DtlsDataChannelOptions) {
    this.#options = options;
    this.session = options.session;
    this.key = options.id.toString('latin1');
    this.#counters = options.counters;
    this.#selection = new ChannelSelection({ dpd: options.session.dpd * 1000 });
    this.#selection.apply('cstp-up', options.clock.monotonic());
  }

  get cipher(): string | undefined {
    return this.#association?.cipherSuite;
  }

  get remote(): string | undefined {
    return this.#association && show(this.#association.peer);
  }

  /** The state of the choice, for tests and views. */
  get path(): DataPath {
    return this.#selection.path;
  }

  get association(): DtlsAssociation<DtlsDataChannel> | undefined {
    return this.#association;
  }

  send(buffer: Buffer, offset: number, length: number): 'sent' | 'too-large' | 'dropped' {
    const association = this.#association;
    if (!association) return 'dropped';
    if (length > this.session.mtu || length + DTLS_CHANNEL_HEADER > association.maxPlaintext) {
      this.#counters.tooLarge++;
      return 'too-large';
    }
    // The byte before the packet is ours to use.
    buffer[offset - 1] = DtlsPacketType.Data;
    if (!association.send(buffer, offset - 1, length + DTLS_CHANNEL_HEADER)) return 'dropped';
    if (!this.#selection.waiting) this.#selection.sent(this.#options.clock.monotonic());
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

  close(_reason: EndReason, _notify: boolean): void {
    if (this.#closed) return;
    this.#closed = true;
    this.active = false;
    this.#options.onClose(this);
    const association = this.#association;
    this.#association = undefined;
    if (!association) return;
    association.close();
    this.#options.emit('channel.dtls.close', {
      session: this.session.info.id,
      remote: show(association.peer),
      reason: 'the tunnel ended',
    });
  }

  /** Ends the association and keeps the channel: the client may come again with the same id. */
  closeAssociation(): void {
    this.#association?.close();
  }

  /** A handshake is complete; it replaces the former association, if there is one. */
  connected(association: DtlsAssociation<DtlsDataChannel>, now: number): void {
    if (this.#closed) {
      association.close();
      return;
    }
    this.#association = association;
    this.#options.emit('channel.dtls.open', {
      session: this.session.info.id,
      remote: show(association.peer),
      cipher: association.cipherSuite,
      mtu: this.session.mtu,
    });
    this.#apply('dtls-up', now);
  }

  /** An association of this channel ended, perhaps one that was replaced already. */
  disconnected(
    association: DtlsAssociation<DtlsDataChannel>,
    reason: CloseReason,
    details: CloseDetails,
    now: number,
  ): void {
    if (this.#closed || association !== this.#association) return;
    this.#association = undefined;
    this.#options.emit('channel.dtls.close', {
      session: this.session.info.id,
      remote: show(association.peer),
      reason: details.explanation ?? (details.alert ? `${reason} (${details.alert})` : reason),
    });
    this.#apply('dtls-down', now);
  }

  moved(from: DtlsPeer, to: DtlsPeer): void {
    if (this.#closed) return;
    this.#options.emit('channel.dtls.move', { session: this.session.info.id, from: show(from), to: show(to) });
  }

  /** One authentic packet: `buffer[offset]` is its type. */
  input(
    association: DtlsAssociation<DtlsDataChannel>,
    buffer: Buffer,
    offset: number,
    length: number,
    now: number,
  ): void {
    if (this.#closed || association !== this.#association || length < DTLS_CHANNEL_HEADER) return;
    if (buffer[offset] === DtlsPacketType.Data) {
      if (!this.#selection.heardData(now)) this.#apply('dtls-data', now);
      this.#counters.packetsIn++;
      this.#counters.bytesIn += length - DTLS_CHANNEL_HEADER;
      this.session.receive(buffer, offset + DTLS_CHANNEL_HEADER, length - DTLS_CHANNEL_HEADER);
      return;
    }
    this.#control(association, buffer, offset, length, now);
  }

  /** Looks at the silence; called about twice a second. */
  check(now: number): void {
    if (this.#closed) return;
    switch (this.#selection.check(now)) {
      case 'probe': {
        this.#counters.probes++;
        const probe = serializeDpdRequest();
        this.#association?.send(probe, 0, probe.length);
        return;
      }
      case 'silent':
        this.#apply('dtls-silent', now);
        return;
      default:
        return;
    }
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
        answerDpdInPlace(buffer, offset);
        association.send(buffer, offset, length);
        this.#counters.dpdAnswered++;
        this.session.touch();
        return;
      case DtlsPacketType.DpdResponse:
      case DtlsPacketType.Keepalive:
        this.session.touch();
        return;
      case DtlsPacketType.Disconnect:
        this.session.disconnectedByClient(Buffer.from(buffer.subarray(offset + DTLS_CHANNEL_HEADER, offset + length)));
        return;
      case DtlsPacketType.CompressedData:
        this.#protocolError('compressed', 'The client sent compressed data although no compression was agreed on.');
        this.session.end('protocol-error', 'compressed data over DTLS without agreement');
        return;
      default:
        this.#counters.unknownTypes++;
        if (type !== this.#reportedType) {
          this.#reportedType = type ?? -1;
          this.#protocolError('unknown-type', `A packet of the unknown type ${type} was ignored.`);
        }
    }
  }

  #protocolError(reason: string, explanation: string): void {
    this.#options.emit('channel.protocol-error', {
      session: this.session.info.id,
      channel: 'dtls',
      reason,
      explanation,
    });
  }

  #apply(event: ChannelEvent, now: number): void {
    const change = this.#selection.apply(event, now);
    this.active = this.#selection.channel === 'dtls';
    if (!change) return;
    this.#counters.switches++;
    this.#options.emit('channel.switch', { session: this.session.info.id, ...change });
  }
}
