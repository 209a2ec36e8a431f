import { createHash } from 'node:crypto';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { TokenVerifier } from '../../src/bearer/types.ts';
import { createGateway } from '../../src/gateway/index.ts';
import type { TunnelTerms } from '../../src/gateway/session/tunnel.ts';
import type { Gateway, GatewayOptions, TunnelSettings } from '../../src/gateway/types.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { seededRandom } from '../../src/lib/random.ts';
import type { Emit, EventMap, EventName } from '../../src/telemetry/events.ts';
import { CSTP_HEADER_BYTES, serializeCstp } from '../../src/wire/cstp.ts';
import { testLeaf } from './certificates.ts';

/** The settings of the lab that the reference transcripts were taken in, as far as they can be. */
export const LAB_SETTINGS: TunnelSettings = {
  network: '192.168.77.0/24',
  ipv6Network: 'fda9:4efe:7e3b::/64',
  dnsServers: ['192.168.77.1'],
  defaultDomain: 'corp.example.com',
  splitDns: ['corp.example.com'],
  routesInclude: ['192.168.77.0/24', '10.20.0.0/16', 'fd12:3456::/48'],
  routesExclude: ['10.20.5.0/24'],
  disableUdp: true,
  announcedUdpPort: undefined,
  mtu: 1500,
  dpd: 90,
  mobileDpd: 1800,
  keepalive: 32400,
  idleTimeout: undefined,
  mobileIdleTimeout: undefined,
  sessionTimeout: undefined,
  rekeyTime: 172_800,
  cookieTimeout: 300,
  authTimeout: 240,
  banner: 'Welcome to the example lab',
  denyRoaming: false,
  maxSessions: 100,
  maxSessionsPerUser: undefined,
  serverName: 'OpenConnect VPN Server',
};

/** Accepts `good` (as adele) and `good:<name>`; refuses everything else, with the token's text as the reason. */
export const fakeVerifier: TokenVerifier = {
  async verify(token) {
    const [verdict, name = 'adele@example.com'] = token.split(':');
    if (verdict === 'good') {
      return {
        ok: true,
        principal: {
          username: name,
          signInName: undefined,
          objectId: 'oid-1',
          tenantId: 'tid-1',
          clientId: undefined,
          scopes: [],
          tokenId: undefined,
          expiresAt: 0,
          claims: {},
        },
      };
    }
    return { ok: false, refusal: { reason: 'malformed', explanation: `The token was "${verdict}".`, details: {} } };
  },
};

/** One event as a test sees it. */
export type SeenEvent = { [K in EventName]: { readonly name: K; readonly fields: EventMap[K] } }[EventName];

/** What happened, and a way to wait for what will. */
export class Events {
  readonly seen: SeenEvent[] = [];
  readonly #waiting: { readonly name: EventName; readonly resolve: (event: SeenEvent) => void }[] = [];

  readonly emit: Emit = (name, fields) => {
    const event = { name, fields } as unknown as SeenEvent;
    this.seen.push(event);
    for (let i = this.#waiting.length - 1; i >= 0; i--) {
      if (this.#waiting[i]!.name === name) this.#waiting.splice(i, 1)[0]!.resolve(event);
    }
  };

  of<K extends EventName>(name: K): EventMap[K][] {
    return this.seen.filter((event) => event.name === name).map((event) => event.fields as EventMap[K]);
  }

  /** The first event of the name, past or to come. */
  async first<K extends EventName>(name: K): Promise<EventMap[K]> {
    return this.of(name)[0] ?? this.next(name);
  }

  /** The next event of the name to come. */
  next<K extends EventName>(name: K): Promise<EventMap[K]> {
    return new Promise((resolve) => {
      this.#waiting.push({ name, resolve: (event) => resolve(event.fields as EventMap[K]) });
    });
  }
}

export interface TestGateway extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly events: Events;
  readonly port: number;
  readonly caPem: string;
  readonly certPem: string;
  /** SHA-1 of the certificate, as the `webvpnc` cookie shows it. */
  readonly certificateHash: string;
  dial(options?: ConnectionOptions): Promise<RawClient>;
}

/** A gateway on a free loopback port, with a fake verifier, that records its events. */
export async function startTestGateway(
  changes: { readonly settings?: Partial<TunnelSettings>; readonly clock?: Clock } & Partial<
    Omit<GatewayOptions, 'settings' | 'clock'>
  > = {},
): Promise<TestGateway> {
  const leaf = await testLeaf('vpn.contoso.internal', 'localhost');
  const events = new Events();
  const { settings, ...rest } = changes;
  const gateway = await createGateway({
    host: '127.0.0.1',
    port: 0,
    tls: { cert: leaf.certPem, key: leaf.keyPem, ca: leaf.caPem },
    verifier: fakeVerifier,
    emit: events.emit,
    clock: systemClock,
    random: seededRandom(7),
    ...rest,
    settings: { ...LAB_SETTINGS, ...settings },
  });
  const first = leaf.certPem.slice(0, leaf.certPem.indexOf('-----END')).replace(/-----BEGIN CERTIFICATE-----|\s/g, '');
  return {
    gateway,
    events,
    port: gateway.port,
    caPem: leaf.caPem,
    certPem: leaf.certPem,
    certificateHash: createHash('sha1').update(Buffer.from(first, 'base64')).digest('hex').toUpperCase(),
    dial: (options) => RawClient.dial({ host: '127.0.0.1', port: gateway.port, ca: leaf.caPem, ...options }),
    [Symbol.asyncDispose]: () => gateway.close(),
  };
}

/** One CSTP packet as a test sees it. */
export interface CstpPacket {
  readonly type: number;
  readonly payload: Buffer;
}

export const AGENT = 'Open AnyConnect VPN Agent v9.01';

export const INIT =
  '<?xml version="1.0" encoding="UTF-8"?>\n<config-auth client="vpn" type="init" aggregate-auth-version="2"><version who="vpn">v9.01</version><device-id>linux-64</device-id></config-auth>';

/** A TLS client that sends what it is told and collects what comes. */
export class RawClient {
  readonly tls: TLSSocket;
  #bytes: Buffer = Buffer.alloc(0);
  #wake: (() => void) | undefined;
  #ended = false;
  /** How the connection ended, when it did by an error. */
  error: NodeJS.ErrnoException | undefined;
  /** Resolves when the server has closed. */
  readonly ended: Promise<void>;

  private constructor(tls: TLSSocket) {
    this.tls = tls;
    tls.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#wake?.();
    });
    this.ended = new Promise((resolve) => {
      const end = (): void => {
        this.#ended = true;
        this.#wake?.();
        resolve();
      };
      tls.on('end', end);
      tls.on('close', end);
      tls.on('error', (error) => {
        this.error = error;
        end();
      });
    });
  }

  static dial(options: ConnectionOptions): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const tls = connect({ servername: 'localhost', ...options });
      const client = new RawClient(tls);
      tls.once('secureConnect', () => resolve(client));
      tls.once('error', reject);
    });
  }

  send(bytes: string | Buffer): void {
    this.tls.write(bytes);
  }

  /** Waits until `enough` of what came says how many bytes to take; undefined when the connection ended before. */
  async take(enough: (bytes: Buffer) => number): Promise<Buffer | undefined> {
    for (;;) {
      const count = enough(this.#bytes);
      if (count > 0) {
        const taken = this.#bytes.subarray(0, count);
        this.#bytes = this.#bytes.subarray(count);
        return taken;
      }
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }

  /** One HTTP answer, head and body, as text; undefined when the connection ended instead. */
  async answer(): Promise<string | undefined> {
    const whole = await this.take((bytes) => {
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) return 0;
      const length = /\r\nContent-Length: (\d+)/.exec(bytes.toString('latin1', 0, end + 2));
      const total = end + 4 + Number(length?.[1] ?? 0);
      return bytes.length >= total ? total : 0;
    });
    return whole?.toString('utf8');
  }

  /** One CSTP packet; undefined when the connection ended instead. */
  async packet(): Promise<CstpPacket | undefined> {
    const whole = await this.take((bytes) => {
      if (bytes.length < CSTP_HEADER_BYTES) return 0;
      const total = CSTP_HEADER_BYTES + bytes.readUInt16BE(4);
      return bytes.length >= total ? total : 0;
    });
    if (!whole) return undefined;
    return { type: whole[6]!, payload: Buffer.from(whole.subarray(CSTP_HEADER_BYTES)) };
  }

  sendPacket(type: number, payload?: Uint8Array): void {
    this.send(serializeCstp(type, payload));
  }

  async request(
    method: string,
    target: string,
    headers: readonly string[] = [`User-Agent: ${AGENT}`],
    body?: string,
  ): Promise<string | undefined> {
    const lines = [`${method} ${target} HTTP/1.1`, 'Host: vpn.example.com:4443', ...headers];
    if (body !== undefined) lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
    this.send(`${lines.join('\r\n')}\r\n\r\n${body ?? ''}`);
    return this.answer();
  }

  /** Logs in with a token; returns the answer. */
  login(token = 'good', agent = AGENT): Promise<string | undefined> {
    return this.request('POST', '/', [`User-Agent: ${agent}`, `Authorization: Bearer ${token}`], INIT);
  }

  /** CONNECT; with a cookie or on a connection that has logged in. */
  connectTunnel(cookie?: string, headers: readonly string[] = TUNNEL_HEADERS): Promise<string | undefined> {
    const all = [`User-Agent: ${AGENT}`, ...(cookie === undefined ? [] : [`Cookie: webvpn=${cookie}`]), ...headers];
    return this.request('CONNECT', '/CSCOSSLC/tunnel', all);
  }

  close(): void {
    this.tls.destroy();
  }
}

export const TUNNEL_HEADERS: readonly string[] = [
  'X-CSTP-Version: 1',
  'X-CSTP-Hostname: client1',
  'X-CSTP-Base-MTU: 1500',
  'X-CSTP-Address-Type: IPv6,IPv4',
  'X-CSTP-Full-IPv6-Capability: true',
];

/** The value of a header in an answer; the first one. */
export function header(answer: string | undefined, name: string): string | undefined {
  const line = answer?.split('\r\n').find((each) => each.startsWith(`${name}: `));
  return line?.slice(name.length + 2);
}

export function statusLine(answer: string | undefined): string | undefined {
  return answer?.split('\r\n', 1)[0];
}

/** The session cookie of a login's answer. */
export function cookieOf(answer: string | undefined): string {
  const match = /Set-Cookie: webvpn=([^;]+)/.exec(answer ?? '');
  if (!match) throw new Error(`No session cookie in: ${answer}`);
  return match[1]!;
}

/** An IPv4 packet with a payload of zeros; protocol 17 unless told otherwise. */
export function ipv4Packet(source: string, destination: string, length: number, protocol = 17): Buffer {
  const packet = Buffer.alloc(length);
  packet[0] = 0x45;
  packet.writeUInt16BE(length, 2);
  packet[8] = 64;
  packet[9] = protocol;
  source.split('.').forEach((part, i) => {
    packet[12 + i] = Number(part);
  });
  destination.split('.').forEach((part, i) => {
    packet[16 + i] = Number(part);
  });
  return packet;
}

/** A copy of a packet with room for framing before it, as `Gateway.deliver` wants it. */
export function withHeadroom(packet: Buffer): { buffer: Buffer; offset: number; length: number } {
  const buffer = Buffer.alloc(16 + packet.length);
  packet.copy(buffer, 16);
  return { buffer, offset: 16, length: packet.length };
}

/** The terms of a tunnel that has no time limits and asks no questions. */
export function tunnelTerms(terms: Pick<TunnelTerms, 'address4'> & Partial<TunnelTerms>): TunnelTerms {
  return {
    mtu: 1400,
    dpd: 0,
    idleTimeout: undefined,
    sessionTimeout: undefined,
    acceptedAt: 0,
    address6: undefined,
    remoteAddress: '192.0.2.1',
    tlsCipher: '',
    userAgent: undefined,
    deviceType: undefined,
    devicePlatform: undefined,
    hostname: undefined,
    udp: 'off',
    ...terms,
  };
}
