import { TunneliteError } from '../../lib/errors.ts';
import { command } from '../context/command.ts';
import { type CliIo, EXIT } from '../context/io.ts';
import { bytesText, rates, type TrafficReading } from '../context/traffic-line.ts';
import { tunnelOptions, tunnelPlan } from '../context/tunnel-options.ts';

/** Update interval of the status line, and interval of traffic events, in milliseconds. */
const LINE_MS = 1_000;
const TRAFFIC_EVENT_MS = 10_000;
const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/;

export default command({
  args: {
    ...tunnelOptions,
    socks: {
      type: 'string',
      valueHint: 'port',
      description: 'SOCKS5 proxy into the tunnel, for other programs; 0 = any free port',
    },
    'http-proxy': { type: 'string', valueHint: 'port', description: 'HTTP proxy into the tunnel, likewise' },
    listen: {
      type: 'string',
      valueHint: 'address',
      description: 'Listening address of both; default: 127.0.0.1. They require no sign-in',
    },
    'reconnect-timeout': {
      type: 'string',
      valueHint: 'seconds',
      description: 'How long to try to restore a lost tunnel; default: 300',
    },
    json: { type: 'boolean', description: 'Print a line of JSON for each event (NDJSON)' },
  },
  async run({ args, rawArgs, io }) {
    const [socks, httpProxy] = [portOf('socks', args.socks), portOf('http-proxy', args['http-proxy'])];
    const listen = args.listen || '127.0.0.1';
    // A proxy open to the whole network must not lead into this machine's network by default.
    const open = LOOPBACK.test(listen);
    const patience = new AbortController();
    const plan = await tunnelPlan(args, rawArgs, io, open ? 'direct' : 'refuse', patience.signal);
    if (!open) io.err(`Warning: anyone who can reach ${listen} can use the tunnel without a sign-in.\n`);
    const { secondsOf } = await import('../context/seconds.ts');
    const reconnectTimeout = secondsOf('reconnect-timeout', args['reconnect-timeout'], 300) * 1000;
    const { startHttpProxy, startSocksProxy, TunnelClient, withFreshToken } = await import('../../client/index.ts');
    const report = new Report(io, args.json === true);
    const ended = Promise.withResolvers<unknown>();
    const stop = (): void => {
      ended.resolve(undefined);
      patience.abort();
    };
    process.on('SIGINT', stop).on('SIGTERM', stop);
    const closing: (() => Promise<unknown>)[] = [];
    const closeAll = async (): Promise<void> => {
      for (const close of closing.splice(0).reverse()) await close();
    };
    try {
      const connecting = withFreshToken(plan.tokens, (token) =>
        TunnelClient.connect({
          ...plan.options,
          token,
          signal: patience.signal,
          reconnectTimeout,
          onStep: ({ step }) => report.tell('step', { step }),
          onState: (state, from) => report.tell('state', { state, from }, `The tunnel is ${state}.`),
          onChannel: (channel, why) => report.tell('channel', { channel, why }, `Data goes over ${channel}: ${why}.`),
          onDisconnect: (error) => ended.resolve(error),
        }),
      );
      // After an interrupt, do not wait for a silent gateway; a late result is discarded.
      const client = await Promise.race([connecting, ended.promise.then(() => undefined)]);
      if (client === undefined) {
        connecting.then((late) => late.close()).catch(() => {});
        return EXIT.ok;
      }
      closing.push(() => client.close());
      const { address4, address6, mtu, dnsServers, routesInclude } = client.configuration;
      report.tell(
        'connected',
        { address4, address6, mtu, dnsServers, routesInclude, channel: client.channel },
        `Connected: ${[address4, address6].filter(Boolean).join(' and ')}, MTU ${mtu}, networks ${routesInclude.join(', ') || 'all'}.`,
      );
      const refused = ({ host, port }: { host: string; port: number }, error: unknown): void => {
        const message = error instanceof Error ? error.message : String(error);
        const { code } = error as { readonly code?: string };
        report.tell('refused', { host, port, code, message }, message);
      };
      for (const [name, port, start, hint] of [
        ['socks', socks, startSocksProxy, 'curl --socks5-hostname'],
        ['http-proxy', httpProxy, startHttpProxy, 'curl --proxy'],
      ] as const) {
        if (port === undefined) continue;
        const full = (closed: number): void => {
          const message = `${closed} ${closed === 1 ? 'connection' : 'connections'} to port ${proxy.port} closed at once: the limit of ${proxy.connections} open connections is reached.`;
          report.tell('full', { proxy: name, closed, open: proxy.connections }, message);
        };
        const proxy = await start(client, { host: listen, port, onRefused: refused, onFull: full });
        closing.push(() => proxy.close());
        const at = `${proxy.host.includes(':') ? `[${proxy.host}]` : proxy.host}:${proxy.port}`;
        report.tell('listening', { proxy: name, host: proxy.host, port: proxy.port }, `Listening: ${hint} ${at} …`);
      }
      report.watch(client);
      const error = await ended.promise;
      report.end();
      const traffic = { ...client.traffic };
      await closeAll();
      if (error !== undefined) throw error;
      report.tell('closed', traffic, 'Disconnected.');
      return EXIT.ok;
    } finally {
      report.end();
      process.off('SIGINT', stop).off('SIGTERM', stop);
      await closeAll();
    }
  },
});

interface Watched {
  readonly channel: string;
  readonly state: string;
  readonly traffic: { readonly bytesIn: number; readonly bytesOut: number };
}

/** Messages to the user, or to a program. On a terminal the last line is the status. */
class Report {
  readonly #io: CliIo;
  readonly #json: boolean;
  #line = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(io: CliIo, json: boolean) {
    this.#io = io;
    this.#json = json;
  }

  /** @param text omitted: for programs only */
  tell(event: string, fields: Readonly<Record<string, unknown>>, text?: string): void {
    if (this.#json) this.#io.out(`${JSON.stringify({ event, time: new Date().toISOString(), ...fields })}\n`);
    else if (text !== undefined) {
      this.#clear();
      this.#io.out(`${text}\n`);
      this.#io.out(this.#line);
    }
  }

  /** Keeps the status line. */
  watch(client: Watched): void {
    if (!this.#json && !this.#io.colors) return;
    const read = (): TrafficReading => ({ at: performance.now(), ...client.traffic });
    let before = read();
    const tick = (): void => {
      const now = read();
      const { down, up } = rates(before, now);
      before = now;
      if (this.#json) {
        this.tell('traffic', {
          channel: client.channel,
          ...client.traffic,
          down: Math.round(down),
          up: Math.round(up),
        });
        return;
      }
      this.#clear();
      this.#line = `${client.state} over ${client.channel}, down ${bytesText(down)}/s, up ${bytesText(up)}/s, ${bytesText(now.bytesIn + now.bytesOut)} in all`;
      this.#io.out(this.#line);
    };
    this.#timer = setInterval(tick, this.#json ? TRAFFIC_EVENT_MS : LINE_MS);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#clear();
    this.#line = '';
  }

  #clear(): void {
    if (this.#line !== '') this.#io.out('\r\u001b[K');
  }
}

function portOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new TunneliteError('ERR_CLI_USAGE', `"--${option} ${text}" is not a port.`);
}
