import { isIPv4 } from 'node:net';
import { DNS_RETRY_MS } from '../client/constants.ts';
import {
  type ChannelName,
  ClientState,
  LightClient,
  type LightClientOptions,
  tokenSignIn,
} from '../client/core/index.ts';
import { InnerHost } from '../client/inner-host.ts';
import { resolveThrough } from '../client/resolve.ts';
import type { Clock } from '../lib/clock.ts';
import { parseDuration } from '../lib/duration.ts';
import type { TunneliteError } from '../lib/errors.ts';
import type { RandomSource } from '../lib/random.ts';
import type { Line } from '../network/index.ts';
import { ask, type Reply } from './ask.ts';
import { fetchPage, type Page } from './page.ts';

/** Default timeout of a page request, in milliseconds. */
const PAGE_TIMEOUT_MS = 60_000;

/** Default timeout of the reply to a datagram, in milliseconds. */
const REPLY_TIMEOUT_MS = 5000;

/** Milliseconds after which a client whose session has ended signs in again. */
const SIGN_IN_AGAIN_MS = 5000;

/** A page and the client that requested it. */
export interface PageOptions {
  /** Such as `30s`; a number is in milliseconds. Default: one minute. */
  readonly timeout?: string | number;
}

/** What all clients of a world share. */
export interface WorldClientParts {
  readonly index: number;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly line: Line;
  readonly options: Omit<LightClientOptions<LightClient>, 'observer' | 'random'>;
  /** Gets a token to sign in with; the argument is whether the previous one was refused. */
  readonly token: (refused: boolean) => string | Promise<string>;
  /** The mock host that serves pages. */
  readonly intranet: { readonly address: string; readonly port: number; readonly host: string };
  /** An address that no host has. */
  readonly newAddress: () => string;
  readonly note: (client: WorldClient, text: string) => void;
}

/** One client of a world, with its own link. Its actions take virtual time: `world.run` or `world.until` advances it. */
export class WorldClient {
  /** From 0. */
  readonly index: number;
  /** Its path to the gateway: delay, loss, NAT, and whether anything passes. */
  readonly line: Line;
  readonly #parts: WorldClientParts;
  #tunnel: LightClient | undefined;
  #host: InnerHost | undefined;
  #wanted = false;
  /** The gateway refused the last token. */
  #refused = false;
  #asleep = false;
  #pages = 0;
  #failedPages = 0;

  constructor(parts: WorldClientParts) {
    this.#parts = parts;
    this.index = parts.index;
    this.line = parts.line;
  }

  /** Its IPv4 address in the tunnel; undefined before it has one. */
  get address(): string | undefined {
    return this.#tunnel?.configuration?.address4;
  }

  /** Whether it has a tunnel now. */
  get connected(): boolean {
    return this.#tunnel?.open ?? false;
  }

  /** The channel that its packets use now; undefined without a tunnel. */
  get channel(): ChannelName | undefined {
    return this.connected ? this.#tunnel!.channel : undefined;
  }

  get state(): ClientState {
    return this.#tunnel?.state ?? ClientState.Idle;
  }

  /** Number of pages received and failed. */
  get pages(): { readonly fetched: number; readonly failed: number } {
    return { fetched: this.#pages, failed: this.#failedPages };
  }

  /** Signs in, opens the tunnel, and keeps it open: signs in again when its session has ended. An existing tunnel is kept. */
  async connect(): Promise<void> {
    this.#wanted = true;
    if (this.#tunnel || this.#asleep) return;
    const { options, random, token } = this.#parts;
    const tunnel: LightClient = new LightClient(
      {
        ...options,
        random,
        observer: {
          onState: (_, state) => {
            if (this.#tunnel === tunnel) this.#note(`is ${state}`);
          },
          onTunnel: (_, configuration) => {
            if (this.#host) {
              this.#host.pathChanged();
              return;
            }
            this.#host = new InnerHost({
              configuration,
              clock: this.#parts.clock,
              random,
              output: (buffer, offset, length) => void tunnel.send(buffer, offset, length),
              mtu: () => tunnel.configuration?.mtu,
            });
          },
          onChannel: (_, channel, why) => {
            if (tunnel.open) this.#host?.pathChanged();
            this.#note(`moves to ${channel}: ${why}`);
          },
          onBatch: () => this.#host?.driver.tick(),
          onPacket: (_, buffer, offset, length) => this.#host?.stack.input(buffer, offset, length),
          onBatchEnd: () => this.#host?.stack.flush(),
          onEnd: (_, error) => this.#ended(tunnel, error),
        },
      },
      tokenSignIn(() => {
        const refused = this.#refused;
        this.#refused = false;
        return token(refused);
      }),
    );
    this.#tunnel = tunnel;
    await tunnel.connect();
    this.#note(`has ${this.address}`);
  }

  /**
   * Fetches a page through the tunnel. Never rejects: the result contains the error.
   * @param path of the mock intranet, such as `/whoami`, by its address; or a URL such as `http://intranet.contoso.internal/whoami`,
   *   whose name is resolved through the tunnel
   */
  async fetch(path = '/whoami', { timeout = PAGE_TIMEOUT_MS }: PageOptions = {}): Promise<Page> {
    const begin = this.#parts.clock.monotonic();
    const page = await this.#page(path, parseDuration(timeout)).catch(
      (error: Error): Page => ({
        status: undefined,
        failure: error.message,
        body: '',
        milliseconds: this.#parts.clock.monotonic() - begin,
      }),
    );
    if (page.status === undefined) this.#failedPages++;
    else this.#pages++;
    this.#note(
      `page ${page.status ?? page.failure} in ${page.milliseconds.toFixed(3)} ms by ${this.channel ?? 'no channel'}`,
    );
    return page;
  }

  /**
   * Sends a datagram through the tunnel, and waits for the first reply. Never rejects if there is none: the result contains the
   * error.
   * @param address of a mock host or an upstream
   */
  async ask(
    address: string,
    port: number,
    payload: string | Uint8Array,
    { timeout = REPLY_TIMEOUT_MS }: PageOptions = {},
  ): Promise<Reply> {
    const from = this.address;
    const reply: Reply =
      this.#host === undefined || from === undefined
        ? { payload: undefined, failure: 'no tunnel', milliseconds: 0 }
        : await ask({
            ...{
              stack: this.#host.stack,
              driver: this.#host.driver,
              clock: this.#parts.clock,
              from,
              to: address,
              port,
            },
            payload: Buffer.from(payload),
            timeout: parseDuration(timeout),
          });
    this.#note(
      `datagram to ${address} port ${port}: ${reply.failure ?? `answered in ${reply.milliseconds.toFixed(3)} ms`}`,
    );
    return reply;
  }

  async #page(path: string, timeout: number): Promise<Page> {
    const { clock, random, intranet } = this.#parts;
    const host = this.#host;
    const configuration = this.#tunnel?.configuration;
    const from = this.address;
    if (host === undefined || configuration === undefined || from === undefined) {
      return { status: undefined, failure: 'no tunnel', body: '', milliseconds: 0 };
    }
    const { stack, driver } = host;
    const common = { stack, driver, clock, from };
    if (!path.startsWith('http://')) {
      const { address: to, port, host: name } = intranet;
      return fetchPage({ ...common, to, port, host: name, path, timeout });
    }
    const url = new URL(path);
    const begin = clock.monotonic();
    driver.tick();
    const addresses = isIPv4(url.hostname)
      ? [url.hostname]
      : await resolveThrough({
          ...{ stack, configuration, clock, random, name: url.hostname },
          tries: Math.max(1, Math.ceil(timeout / DNS_RETRY_MS)),
        });
    const took = clock.monotonic() - begin;
    const page = await fetchPage({
      ...common,
      to: addresses.find((address) => isIPv4(address)) ?? addresses[0]!,
      port: Number(url.port || 80),
      host: url.host,
      path: `${url.pathname}${url.search}`,
      timeout: Math.max(0, timeout - took),
    });
    return { ...page, milliseconds: page.milliseconds + took };
  }

  /** Fetches a page at this interval while there is a tunnel; the returned function stops that. */
  browse(every: string | number, path?: string): () => void {
    const period = parseDuration(every);
    const { clock } = this.#parts;
    const visit = (): void => {
      timer = clock.setTimer(period, visit);
      if (this.connected) void this.fetch(path);
    };
    let timer = clock.setTimer(period, visit);
    return () => timer.cancel();
  }

  /** Drops its datagrams, until `restoreUdp`. */
  cutUdp(): void {
    this.#note('loses UDP');
    this.line.link.passUdp(false);
  }

  restoreUdp(): void {
    this.#note('has UDP again');
    this.line.link.passUdp(true);
  }

  /** Drops everything, until `restore`. */
  cut(): void {
    this.#note('loses its network');
    this.line.link.passUdp(false);
    this.line.link.passTcp(false);
  }

  restore(): void {
    this.#note('has its network again');
    this.line.link.passUdp(true);
    this.line.link.passTcp(true);
  }

  /** Its NAT assigns other ports to its datagrams, as after a restart. The client does not notice. */
  rebind(): void {
    this.#note('gets other ports from its NAT');
    this.line.rebind();
  }

  /** Moves to another network: it gets another address, its connections break, and it is notified, like a real device. */
  roam(): void {
    this.line.roam(this.#parts.newAddress());
    this.#note(`roams to ${this.line.address}`);
    this.#tunnel?.networkChanged();
  }

  /** Renews its tunnel and all keys. */
  rekey(): void {
    this.#note('renews its keys');
    this.#tunnel?.rekey();
  }

  /** Suspends its device, like a closed laptop: it reads and sends nothing. */
  suspend(): void {
    this.#note('falls asleep');
    this.#asleep = true;
    this.#tunnel?.suspend();
  }

  /** Resumes its device. The client checks whether its tunnel still works, and opens another one if not. */
  resume(): void {
    this.#note('wakes up');
    this.#asleep = false;
    if (this.#tunnel) this.#tunnel.resume();
    else if (this.#wanted) this.connect().catch(() => undefined);
  }

  /** Disconnects: its session ends, and it stays disconnected until `connect`. */
  async disconnect(): Promise<void> {
    this.#wanted = false;
    await this.#tunnel?.close();
  }

  #ended(tunnel: LightClient, error: TunneliteError): void {
    if (this.#tunnel !== tunnel) return;
    this.#note(`has ended: ${error.code}`);
    if (error.code === 'ERR_CLIENT_TOKEN_REFUSED') this.#refused = true;
    this.#host?.close();
    this.#host = undefined;
    this.#tunnel = undefined;
    if (!this.#wanted) return;
    this.#parts.clock.setTimer(SIGN_IN_AGAIN_MS, () => {
      if (this.#wanted) this.connect().catch(() => undefined);
    });
  }

  #note(text: string): void {
    this.#parts.note(this, text);
  }
}
