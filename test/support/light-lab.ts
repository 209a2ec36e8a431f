import {
  type Carrier,
  type ChannelName,
  ClientTimer,
  LightClient,
  type LightClientOptions,
  SEND_HEADROOM,
  systemCarrier,
  tokenSignIn,
  trust,
} from '../../src/client/core/index.ts';
import type { TunnelSettings } from '../../src/gateway/types.ts';
import { type Clock, type ManualClock, systemClock } from '../../src/lib/clock.ts';
import type { TunneliteError } from '../../src/lib/errors.ts';
import { seededRandom, systemRandom } from '../../src/lib/random.ts';
import { ipv4Packet, startTestGateway, type TestGateway } from './gateway.ts';
import { internetChecksum } from './packets/checksum.ts';
import { IcmpType, serializeIcmp } from './packets/icmp.ts';
import { IpProtocol } from './packets/ip.ts';

/** A carrier whose connections and datagrams can be cut, for a while or for good. */
export class CutCarrier implements Carrier {
  /** Datagrams go nowhere, in neither direction. */
  udpDown = false;
  /** Datagrams longer than this go nowhere. */
  udpLimit = Number.POSITIVE_INFINITY;
  /** Connections fail. */
  tcpDown = false;
  connections = 0;
  ports = 0;
  readonly #streams = new Set<Awaited<ReturnType<Carrier['connect']>>>();

  async connect(...[target, signal]: Parameters<Carrier['connect']>): ReturnType<Carrier['connect']> {
    this.connections++;
    if (this.tcpDown) throw new Error('the network is down');
    const stream = await systemCarrier.connect(target, signal);
    this.#streams.add(stream);
    stream.once('close', () => this.#streams.delete(stream));
    return stream;
  }

  async datagrams(...[target, sink]: Parameters<Carrier['datagrams']>): ReturnType<Carrier['datagrams']> {
    this.ports++;
    const passes = (length: number): boolean => !this.udpDown && length <= this.udpLimit;
    const port = await systemCarrier.datagrams(target, {
      onDatagram: (datagram) => {
        if (passes(datagram.length)) sink.onDatagram(datagram);
      },
      onBatchEnd: () => sink.onBatchEnd(),
    });
    return {
      send: (buffer, offset, length) => {
        if (passes(length)) port.send(buffer, offset, length);
      },
      close: () => port.close(),
    };
  }

  /** Waits until no connection is open. */
  async idle(): Promise<void> {
    for (const stream of this.#streams) await new Promise((resolve) => stream.once('close', resolve));
  }

  /** Cuts every connection that is open. */
  cut(): void {
    for (const stream of this.#streams) stream.destroy();
  }
}

/** A gateway that sends each packet back to where it came from. @param clock for all that it does */
export async function echoGateway(
  settings: Partial<TunnelSettings> = {},
  clock: Clock = systemClock,
): Promise<TestGateway> {
  const lab = await startTestGateway({
    settings: { disableUdp: false, dpd: 30, ipv6Network: undefined, ...settings },
    clock,
    random: systemRandom,
    acceleration: false,
  });
  lab.gateway.attach({
    onPacket: (buffer, offset, length) => {
      const answer = Buffer.alloc(16 + length);
      buffer.copy(answer, 16, offset, offset + length);
      buffer.copy(answer, 16 + 12, offset + 16, offset + 20);
      buffer.copy(answer, 16 + 16, offset + 12, offset + 16);
      lab.gateway.deliver(answer, 16, length);
    },
    onBatchEnd() {},
    onPathChanged() {},
    onAddressReleased() {},
  });
  return lab;
}

/** A light client with a record of what it told. */
export class LightLab {
  readonly client: LightClient;
  readonly carrier: CutCarrier;
  /** What happened, as words: states, and `dtls:` or `tls:` with the reason. */
  readonly told: string[] = [];
  readonly echoes: { readonly channel: ChannelName; readonly length: number }[] = [];
  error: TunneliteError | undefined;
  #wake: (() => void)[] = [];

  constructor(
    target: { readonly port: number; readonly caPem: string },
    options: Partial<LightClientOptions<LightClient>> & { readonly clock?: Clock; readonly token?: string } = {},
    signIn = tokenSignIn(options.token ?? 'good'),
  ) {
    const { clock = systemClock, token: _token, ...rest } = options;
    this.carrier = new CutCarrier();
    const told = (text: string): void => {
      this.told.push(text);
      this.#settled();
    };
    this.client = new LightClient(
      {
        url: new URL(`https://127.0.0.1:${target.port}`),
        serverName: 'localhost',
        carrier: this.carrier,
        timer: new ClientTimer(clock),
        random: seededRandom(5),
        secureContext: trust(target.caPem),
        observer: {
          onState: (_client, state) => told(state),
          onChannel: (_client, channel, why) => told(`${channel}: ${why}`),
          onPacket: (_client, buffer, offset, length, channel) => {
            // The kernel behind a real gateway has things to say of its own, in IPv6.
            if (buffer[offset]! >>> 4 !== 4) return;
            this.echoes.push({ channel, length });
            this.#settled();
          },
          onEnd: (_client, error) => {
            this.error = error;
            this.#settled();
          },
        },
        ...rest,
      },
      signIn,
    );
  }

  /** Sends a packet that the gateway sends back. Returns the channel that it took. */
  send(length = 100): ChannelName | undefined {
    const packet = ipv4Packet(this.client.configuration!.address4!, '192.168.77.1', length);
    const buffer = Buffer.alloc(SEND_HEADROOM + length);
    packet.copy(buffer, SEND_HEADROOM);
    return this.client.send(buffer, SEND_HEADROOM, length);
  }

  /** Asks a host for an echo, again each second until one comes, for on its way a packet may be lost. Returns the channels of both ways. */
  async ping(host: string, length = 100): Promise<string> {
    const packet = ipv4Packet(this.client.configuration!.address4!, host, length, IpProtocol.Icmp);
    const ends = { source: this.client.configuration!.address4!, destination: host };
    const body = Buffer.alloc(length - 28, 0x61);
    serializeIcmp({ version: 4, type: IcmpType.Echo, code: 0, rest: 1, body }, ends).copy(packet, 20);
    packet.writeUInt16BE(internetChecksum(packet.subarray(0, 20)), 10);
    const before = this.echoes.length;
    const ask = () => this.client.send(Buffer.concat([Buffer.alloc(SEND_HEADROOM), packet]), SEND_HEADROOM, length);
    let there = ask();
    const again = setInterval(() => {
      there = ask();
    }, 1000);
    try {
      await this.until(() => this.echoes.length > before);
    } finally {
      clearInterval(again);
    }
    return `${there} ${this.echoes[before]!.channel}`;
  }

  /** Waits until something that is told, comes or ends makes the condition true. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  /** Sends a packet and waits for it to come back. Returns the channels of both ways. */
  async echo(length = 100): Promise<string> {
    const before = this.echoes.length;
    const there = this.send(length);
    await this.until(() => this.echoes.length > before);
    return `${there} ${this.echoes[before]!.channel}`;
  }

  #settled(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
  }
}

/** Time passes in steps of a second, and what is sent meanwhile arrives. */
export async function pass(clock: ManualClock, seconds: number, over: () => boolean = () => false): Promise<void> {
  for (let second = 0; second < seconds && !over(); second++) {
    clock.advance(1_000);
    // Through TLS on both sides, and back.
    for (let turn = 0; turn < 12; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}
