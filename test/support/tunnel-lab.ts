import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { Readable } from 'node:stream';
import type { TokenVerifier } from '../../src/bearer/types.ts';
import { createDataChannels } from '../../src/gateway/data/data-channel.ts';
import type { DataChannelFactory, DataChannelOptions } from '../../src/gateway/data/data-channel-port.ts';
import type { DtlsDataChannel } from '../../src/gateway/data/dtls-data-channel.ts';
import { TunnelGateway } from '../../src/gateway/gateway.ts';
import type { DataChannel } from '../../src/gateway/session/channel-ports.ts';
import type { GatewayOptions, TunnelSettings } from '../../src/gateway/types.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { seededRandom, systemRandom } from '../../src/lib/random.ts';
import { createNetstack, driveNetstack, type Netstack, type NetstackDriver } from '../../src/netstack/index.ts';
import type { EventName, TunneliteEvent } from '../../src/telemetry/events.ts';
import { Telemetry } from '../../src/telemetry/index.ts';
import { testLeaf } from './certificates.ts';
import { end, join, Namespace } from './namespace.ts';

const HOST_NAME = 'gateway.localhost';

/** Addresses of the lab: the gateway, and the two that the client has. */
export const GATEWAY_4 = '10.99.0.1';
export const GATEWAY_6 = 'fd00:99::1';
export const CLIENT_4 = '10.99.0.2';
export const CLIENT_4_OTHER = '10.99.0.3';
export const CLIENT_6 = 'fd00:99::2';
/** A server in the tunnel; every address there is answered by the same mock. */
export const INNER_SERVER = '192.168.99.10';

export const LAB_SETTINGS: TunnelSettings = {
  network: '192.168.77.0/24',
  ipv6Network: undefined,
  dnsServers: [],
  defaultDomain: undefined,
  splitDns: [],
  routesInclude: ['192.168.99.0/24'],
  routesExclude: [],
  disableUdp: false,
  announcedUdpPort: undefined,
  mtu: 1500,
  dpd: 2,
  mobileDpd: 2,
  keepalive: 20,
  idleTimeout: undefined,
  mobileIdleTimeout: undefined,
  sessionTimeout: undefined,
  rekeyTime: undefined,
  cookieTimeout: 120,
  authTimeout: 60,
  banner: undefined,
  denyRoaming: false,
  maxSessions: 100,
  maxSessionsPerUser: undefined,
  serverName: 'lab',
};

export interface LabOptions {
  readonly settings?: Partial<TunnelSettings>;
  readonly host?: string;
  readonly acceleration?: boolean;
  readonly tls?: Partial<GatewayOptions['tls']>;
  readonly faults?: DataChannelOptions['faults'];
  /** Left out: every token is good, and its text is the user's name. */
  readonly verifier?: TokenVerifier;
}

/** The configuration script of the client: addresses and split routes only. */
const SCRIPT = `#!/bin/bash
case "$reason" in
connect)
  ip link set dev $TUNDEV up mtu \${INTERNAL_IP4_MTU:-1300}
  [ -n "$INTERNAL_IP4_ADDRESS" ] && ip addr add $INTERNAL_IP4_ADDRESS/32 dev $TUNDEV
  [ -n "$INTERNAL_IP6_NETMASK" ] && ip -6 addr add $INTERNAL_IP6_NETMASK dev $TUNDEV nodad
  i=0
  while [ $i -lt \${CISCO_SPLIT_INC:-0} ]; do
    a=CISCO_SPLIT_INC_\${i}_ADDR; l=CISCO_SPLIT_INC_\${i}_MASKLEN
    ip route replace \${!a}/\${!l} dev $TUNDEV; i=$((i+1))
  done;;
disconnect) ip link set dev $TUNDEV down;;
esac
echo "lab: $reason done"
exit 0
`;

const BLOCK = 65_536;

/** The bytes that the inner server sends for `/bytes/<count>`. */
export function patternBytes(count: number): Readable {
  let at = 0;
  const block = seededRandom(99).bytes(BLOCK);
  return new Readable({
    highWaterMark: 4 * BLOCK,
    read() {
      if (at >= count) {
        this.push(null);
        return;
      }
      // Each block differs from the others, so that one that is lost, doubled or moved shows.
      const chunk = Buffer.from(block.subarray(0, Math.min(BLOCK, count - at)));
      if (chunk.length >= 4) chunk.writeUInt32BE(Math.floor(at / BLOCK));
      at += chunk.length;
      this.push(chunk);
    },
  });
}

/** SHA-256 of the same bytes, hex. */
export async function patternHash(count: number): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of patternBytes(count)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** What a transfer through the tunnel came to. */
export interface Transfer {
  readonly bytes: number;
  readonly hash: string;
  readonly seconds: number;
}

/** The mock inside the tunnel: `GET /bytes/<n>` sends n bytes, `POST /hash` answers with the hash of what it got. */
function innerServer(): Server {
  return createServer((request, response) => {
    const match = /^\/bytes\/(\d+)$/.exec(request.url ?? '');
    if (match) {
      const count = Number(match[1]);
      response.writeHead(200, { 'content-length': count });
      patternBytes(count).pipe(response);
      return;
    }
    const hash = createHash('sha256');
    request.on('data', (chunk: Buffer) => hash.update(chunk));
    request.on('end', () => response.end(hash.digest('hex')));
  });
}

/**
 * A gateway in this process, reachable in one network namespace, and a client's machine in another one beside it. Behind the
 * gateway a user-space stack answers for every address with one HTTP server.
 */
export class TunnelLab implements AsyncDisposable {
  readonly telemetry: Telemetry;
  readonly gateway: TunnelGateway;
  readonly server: Namespace;
  readonly client: Namespace;
  readonly stack: Netstack;
  /** Names of the veth ends. */
  readonly link: { left: string; right: string };
  /** Every data channel that was made, in order. */
  readonly channels: DataChannel[];
  readonly directory: string;
  readonly #driver: NetstackDriver;
  readonly #http: Server;
  readonly #clients: OpenConnect[] = [];

  static async create(options: LabOptions = {}): Promise<TunnelLab> {
    const server = Namespace.create('srv');
    const client = Namespace.create('cli');
    const link = join(server, [`${GATEWAY_4}/24`, `${GATEWAY_6}/64`], client, [
      `${CLIENT_4}/24`,
      `${CLIENT_4_OTHER}/24`,
      `${CLIENT_6}/64`,
    ]);
    const leaf = await testLeaf(HOST_NAME);
    const directory = mkdtempSync(joinPath(tmpdir(), 'tunnelite-lab-'));
    writeFileSync(joinPath(directory, 'ca.pem'), leaf.caPem);
    writeFileSync(joinPath(directory, 'script'), SCRIPT);
    chmodSync(joinPath(directory, 'script'), 0o755);
    const telemetry = new Telemetry({ clock: systemClock });
    const channels: DataChannel[] = [];
    const factory: DataChannelFactory = (channelOptions) => {
      const inner = createDataChannels({ ...channelOptions, faults: options.faults });
      const offer = inner.offer.bind(inner);
      inner.offer = (...args) => {
        const made = offer(...args);
        if (made) channels.push(made.channel);
        return made;
      };
      return inner;
    };
    const gateway = new TunnelGateway(
      {
        host: options.host ?? GATEWAY_4,
        port: 4443,
        tls: { cert: leaf.certPem, key: leaf.keyPem, ca: leaf.caPem, ...options.tls },
        settings: { ...LAB_SETTINGS, ...options.settings },
        verifier: options.verifier ?? {
          verify: async (token) => ({
            ok: true,
            principal: {
              username: token.slice(0, 63),
              signInName: undefined,
              objectId: undefined,
              tenantId: undefined,
              clientId: undefined,
              scopes: [],
              tokenId: undefined,
              expiresAt: Date.now() / 1000 + 3600,
              claims: {},
            },
          }),
        },
        emit: telemetry.emit,
        clock: systemClock,
        random: systemRandom,
        acceleration: options.acceleration ?? true,
      },
      factory,
    );
    await server.inside(() => gateway.start());
    return new TunnelLab({ telemetry, gateway, server, client, link, channels, directory });
  }

  private constructor(
    parts: Pick<TunnelLab, 'telemetry' | 'gateway' | 'server' | 'client' | 'link' | 'channels' | 'directory'>,
  ) {
    this.telemetry = parts.telemetry;
    this.gateway = parts.gateway;
    this.server = parts.server;
    this.client = parts.client;
    this.link = parts.link;
    this.channels = parts.channels;
    this.directory = parts.directory;
    this.#http = innerServer();
    this.stack = createNetstack({
      output: (buffer, offset, length) => void this.gateway.deliver(buffer, offset, length),
      random: systemRandom,
      now: systemClock.monotonic(),
      pathMtu: (address) => this.gateway.mtuOf(address),
      onTcp: (request) => {
        const stream = request.accept().toDuplex();
        stream.on('error', () => {});
        this.#http.emit('connection', stream);
      },
      onUdp: (request) => {
        const flow = request.accept((payload, address, port) => void flow.send(payload, address, port));
      },
    });
    this.#driver = driveNetstack(this.stack, systemClock);
    let ticked = false;
    this.gateway.attach({
      onPacket: (buffer, offset, length) => {
        if (!ticked) {
          ticked = true;
          this.stack.tick(systemClock.monotonic());
        }
        this.stack.input(buffer, offset, length);
      },
      onBatchEnd: () => {
        ticked = false;
        this.stack.flush();
      },
      onPathChanged: (address) => this.stack.pathChanged(address),
      onAddressReleased: (address) => this.stack.forget(address),
    });
  }

  /** The channel of the latest CONNECT. */
  get channel(): DtlsDataChannel {
    return this.channels.at(-1) as DtlsDataChannel;
  }

  events<K extends EventName>(name: K): TunneliteEvent<K>[] {
    return this.telemetry.journal.query({ name });
  }

  /** Waits for an event that fits, counting those that happened already. */
  async until<K extends EventName>(
    name: K,
    where: (event: TunneliteEvent<K>) => boolean = () => true,
    timeout = 20_000,
  ): Promise<TunneliteEvent<K>> {
    try {
      return await this.telemetry.journal.waitFor({ name, where }, { timeout });
    } catch (error) {
      const told = this.telemetry.journal.query().map((event) => `${event.name}: ${event.text}`);
      throw new Error(`${(error as Error).message}\n${told.slice(-30).join('\n')}\n${this.#logs()}`);
    }
  }

  /** Waits for data to go over a channel (again), after the event `since`. */
  async untilSwitch(to: 'cstp' | 'dtls', since = 0, timeout = 20_000): Promise<TunneliteEvent<'channel.switch'>> {
    return this.until('channel.switch', (event) => event.fields.to === to && event.seq > since, timeout);
  }

  /** The number of the latest event: what comes later has a larger one. */
  get now(): number {
    return this.telemetry.journal.query().at(-1)?.seq ?? 0;
  }

  /** Starts the client and waits until its tunnel is configured. */
  async connect(...args: string[]): Promise<OpenConnect> {
    const client = new OpenConnect(this, args);
    this.#clients.push(client);
    await client.line(/lab: connect done/, 30_000);
    return client;
  }

  /** Starts the client for a run that need not come to a tunnel. */
  start(...args: string[]): OpenConnect {
    const client = new OpenConnect(this, args);
    this.#clients.push(client);
    return client;
  }

  /** A download through the tunnel; `rate` in bytes a second. */
  download(count: number, rate?: number, timeout = 60_000): Promise<Transfer> {
    const limit = rate === undefined ? [] : ['--limit-rate', String(rate)];
    return this.#curl(['-sS', ...limit, `http://${INNER_SERVER}/bytes/${count}`], timeout);
  }

  /** Blocks UDP between the two, in the way told. Silently: both directions, as a firewall that drops. */
  blockUdp(how: 'silent' | 'icmp' = 'silent'): void {
    const verdict = how === 'silent' ? 'drop' : 'reject with icmp type port-unreachable';
    this.server.exec('nft', ['add', 'table', 'inet', 'lab']);
    this.server.exec('nft', ['add chain inet lab in { type filter hook input priority 0; }']);
    this.server.exec('nft', [`add rule inet lab in udp dport 4443 ${verdict}`]);
    if (how === 'silent') {
      this.server.exec('nft', ['add chain inet lab out { type filter hook output priority 0; }']);
      this.server.exec('nft', ['add rule inet lab out udp sport 4443 drop']);
    }
  }

  openUdp(): void {
    this.server.exec('nft', ['delete', 'table', 'inet', 'lab']);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await client.stop();
    await this.gateway.close();
    this.#driver.stop();
    this.stack.close();
    this.#http.closeAllConnections();
    await this.client.remove();
    await this.server.remove();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #curl(args: readonly string[], timeout: number): Promise<Transfer> {
    const started = performance.now();
    const child = this.client.spawn('curl', args);
    const hash = createHash('sha256');
    let bytes = 0;
    let errors = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      hash.update(chunk);
    });
    child.stderr!.on('data', (chunk: Buffer) => {
      errors += chunk;
    });
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        errors += `no end within ${timeout / 1000} s, ${bytes} bytes until then\n${this.#logs()}`;
      }, timeout);
      child.once('close', (code) => {
        clearTimeout(timer);
        if (code === 0) resolve({ bytes, hash: hash.digest('hex'), seconds: (performance.now() - started) / 1000 });
        else reject(new Error(`curl ended with ${code}: ${errors}`));
      });
    });
  }

  #logs(): string {
    return this.#clients.map((client) => client.log.slice(-3000)).join('\n---\n');
  }
}

/** A running openconnect. */
export class OpenConnect {
  readonly child: ChildProcess;
  log = '';
  /** Resolves with the exit status. */
  readonly ended: Promise<number | null>;

  constructor(lab: TunnelLab, args: readonly string[]) {
    const host = lab.gateway.host.includes(':') ? GATEWAY_6 : GATEWAY_4;
    this.child = lab.client.spawn('openconnect', [
      '--protocol=anyconnect',
      '-v',
      '--timestamp',
      '--no-system-trust',
      '--cafile',
      joinPath(lab.directory, 'ca.pem'),
      '--resolve',
      `${HOST_NAME}:${host}`,
      '--http-auth=Bearer',
      '--token-mode=oidc',
      '--token-secret=alice',
      '--local-hostname=client',
      '--interface',
      'tun-lab',
      '--reconnect-timeout=30',
      '--script',
      joinPath(lab.directory, 'script'),
      ...args,
      `https://${HOST_NAME}:${lab.gateway.port}/`,
    ]);
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      stream.on('data', (chunk: Buffer) => {
        this.log += chunk;
        if (this.log.length > 400_000) this.log = this.log.slice(-200_000);
      });
    }
    this.ended = new Promise((resolve) => this.child.once('close', (code) => resolve(code)));
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Waits until the client has printed a line that matches, at or after position `from` of its log. */
  async line(pattern: RegExp, timeout = 20_000, from = 0): Promise<void> {
    const matches = () => pattern.test(this.log.slice(from));
    if (matches()) return;
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        if (matches()) finish(resolve);
      };
      const gone = () =>
        finish(() => reject(new Error(`openconnect ended before it printed ${pattern}: ${this.log.slice(-3000)}`)));
      const timer = setTimeout(
        () => finish(() => reject(new Error(`openconnect did not print ${pattern}: ${this.log.slice(-3000)}`))),
        timeout,
      );
      const finish = (then: () => void) => {
        clearTimeout(timer);
        this.child.stdout!.off('data', look);
        this.child.stderr!.off('data', look);
        this.child.off('close', gone);
        then();
      };
      this.child.stdout!.on('data', look);
      this.child.stderr!.on('data', look);
      this.child.on('close', gone);
    });
  }

  /** Ends it as a user would; the exit status. */
  async stop(): Promise<number | null> {
    if (this.running) await end(this.child, 'SIGINT');
    return this.ended;
  }
}
