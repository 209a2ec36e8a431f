import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { freePort } from './free-port.ts';
import { signInArguments } from './openconnect-arguments.ts';
import { PeerProcess } from './peer-process.ts';

const run = promisify(execFile);

/** What `SocksTunnel` needs. */
export const SOCKS_TUNNEL_PROGRAMS = ['openconnect', 'ocproxy', 'curl'];

/** openconnect without root: what goes into its tunnel comes from curl, through ocproxy's SOCKS port. */
export class SocksTunnel implements AsyncDisposable {
  readonly #client: PeerProcess;
  readonly #socks: number;

  private constructor(client: PeerProcess, socks: number) {
    this.#client = client;
    this.#socks = socks;
  }

  /** Starts the client, and resolves once it has its address. */
  static async open(
    sim: { readonly ca: string; readonly urls: { readonly gateway: string } },
    accessToken: string,
    folder: string,
    args: readonly string[] = [],
  ): Promise<SocksTunnel> {
    const [ca, token] = [join(folder, 'ca.pem'), join(folder, 'token.jwt')];
    writeFileSync(ca, sim.ca);
    writeFileSync(token, accessToken, { mode: 0o600 });
    const socks = await freePort();
    const client = new PeerProcess('openconnect', [
      ...signInArguments({ token, ca }),
      ...args,
      '--script-tun',
      `--script=ocproxy -D ${socks}`,
      sim.urls.gateway,
    ]);
    const tunnel = new SocksTunnel(client, socks);
    try {
      await client.until(/Configured as 169\.254\./);
    } catch (error) {
      await tunnel[Symbol.asyncDispose]();
      throw error;
    }
    return tunnel;
  }

  /** Resolves with the exit status of openconnect. */
  get ended(): Promise<number | null> {
    return this.#client.ended;
  }

  signal(name: NodeJS.Signals): void {
    this.#client.signal(name);
  }

  /** The body of a page in the tunnel. ocproxy listens a little after the client has its address. `signal` ends curl. */
  async fetch(url: string, signal?: AbortSignal): Promise<Buffer> {
    const { stdout } = await run(
      'curl',
      [
        '-sS',
        '--max-time',
        '20',
        '--retry',
        '5',
        '--retry-connrefused',
        '--proxy',
        `socks5h://127.0.0.1:${this.#socks}`,
        url,
        '--output',
        '-',
      ],
      { encoding: 'buffer', maxBuffer: 4_000_000, signal },
    );
    return stdout;
  }

  /** Asks for a page that does not come, and does not wait for ocproxy to give up, which takes it 12 s. It ends with the test. */
  askFor(t: Test, url: string): void {
    const over = new AbortController();
    const asked = this.fetch(url, over.signal).catch(() => {});
    t.teardown(() => {
      over.abort();
      return asked;
    });
  }

  /**
   * A TCP connection through the tunnel, to a name that is looked up there; tried once (RFC 1928).
   * @throws Error when it is refused
   */
  async open(host: string, port: number): Promise<Socket> {
    const socket = connect(this.#socks, '127.0.0.1');
    try {
      await once(socket, 'connect');
      socket.write(Buffer.from([5, 1, 0]));
      await once(socket, 'data');
      socket.write(Buffer.from([5, 1, 0, 3, host.length, ...Buffer.from(host), port >> 8, port & 0xff]));
      const [reply] = (await once(socket, 'data')) as [Buffer];
      if (reply[1] !== 0) throw new Error(`SOCKS refuses ${host} port ${port} with ${reply[1]}`);
      return socket;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
  }
}
