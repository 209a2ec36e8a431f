/**
 * Logs in many times and keeps the tunnels; a process of its own for the benchmarks.
 *
 *   node login-client.ts <host> <name> <ca file> bearer <token>
 *   node login-client.ts <host> <name> <ca file> form <user> <password>
 *
 * Answers each line of its input with a line of JSON; ends with its input:
 *
 *   login COUNT CONCURRENT    new connections, authentication, CONNECT
 *   keys                      session id and pre-shared key of the tunnels made since the last "keys" or "dtls", in hex
 *   dtls COUNT CONCURRENT     a DTLS handshake for as many of the tunnels that have none yet
 *   resume COUNT CONCURRENT   new connections and CONNECT with a cookie that is there already
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { connect, createSecureContext, type TLSSocket } from 'node:tls';
import { acceleratedProtection } from '../../src/dtls/acceleration.ts';
import { DtlsClient } from '../../src/dtls/client.ts';

const [host = '', name = '', caFile = '', mode = '', first = '', second = ''] = process.argv.slice(2);
const PORT = 4443;
const secureContext = createSecureContext({ ca: readFileSync(caFile) });
const XML = '<?xml version="1.0" encoding="UTF-8"?>\n';
const AGENT = 'User-Agent: Open AnyConnect VPN Agent v9.01-3';

async function answer(socket: TLSSocket, request: string): Promise<string> {
  const whole = Promise.withResolvers<string>();
  let text = '';
  const take = (chunk: Buffer): void => {
    text += chunk.toString('latin1');
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) return;
    const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
    if (text.length >= end + 4 + length) whole.resolve(text);
  };
  const close = (): void => whole.reject(new Error(`The connection ended; so far it said ${text.slice(0, 200)}`));
  socket.on('data', take).once('close', close);
  try {
    socket.write(request);
    return await whole.promise;
  } finally {
    socket.off('data', take).off('close', close);
  }
}

function post(path: string, body: string, extra = ''): string {
  const text = XML + body;
  return `POST ${path} HTTP/1.1\r\nHost: ${name}\r\n${AGENT}\r\nX-Transcend-Version: 1\r\nX-Aggregate-Auth: 1\r\n${extra}Content-Type: application/xml; charset=utf-8\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
}

const config = (type: string, inner: string): string =>
  `<config-auth client="vpn" type="${type}" aggregate-auth-version="2"><version who="vpn">v9.01-3</version>${inner}</config-auth>`;

interface Tunnel {
  readonly socket: TLSSocket;
  readonly head: string;
}

async function dial(): Promise<TLSSocket> {
  const socket = connect({ host, port: PORT, servername: name, secureContext });
  await once(socket, 'secureConnect');
  socket.setNoDelay(true);
  return socket;
}

async function authenticate(socket: TLSSocket): Promise<string> {
  let text: string;
  if (mode === 'bearer') {
    text = await answer(socket, post('/', config('init', ''), `Authorization: Bearer ${first}\r\n`));
  } else {
    await answer(socket, post('/', config('init', '')));
    await answer(socket, post('/auth', config('auth-reply', `<auth><username>${first}</username></auth>`)));
    text = await answer(socket, post('/auth', config('auth-reply', `<auth><password>${second}</password></auth>`)));
  }
  const cookie = /webvpn=([^;]+)/.exec(text)?.[1];
  if (!text.startsWith('HTTP/1.1 200') || !cookie) throw new Error(`Login was answered ${text.slice(0, 200)}`);
  return cookie;
}

async function open(socket: TLSSocket, cookie: string): Promise<Tunnel> {
  const head = await answer(
    socket,
    `CONNECT /CSCOSSLC/tunnel HTTP/1.1\r\nHost: ${name}\r\n${AGENT}\r\nCookie: webvpn=${cookie}\r\nX-CSTP-Version: 1\r\nX-CSTP-Base-MTU: 1500\r\nX-CSTP-Address-Type: IPv4\r\nX-DTLS-CipherSuite: PSK-NEGOTIATE\r\n\r\n`,
  );
  if (!head.startsWith('HTTP/1.1 200')) throw new Error(`CONNECT was answered ${head.slice(0, 200)}`);
  socket.on('data', () => {});
  socket.on('error', () => {});
  return { socket, head };
}

/** What a DTLS handshake needs of a tunnel. */
function secrets({ socket, head }: Tunnel): { readonly id: string; readonly key: Buffer } {
  const id = /X-DTLS-App-ID: ([0-9a-f]+)/i.exec(head)?.[1];
  if (!id) throw new Error(`The server offers no DTLS: ${head.slice(0, 500)}`);
  const key = (socket.exportKeyingMaterial as (length: number, label: string) => Buffer)(
    32,
    'EXPORTER-openconnect-psk',
  );
  return { id, key };
}

async function dtls(tunnel: Tunnel): Promise<void> {
  const { id, key } = secrets(tunnel);
  const udp = createSocket('udp4');
  udp.connect(PORT, host);
  await once(udp, 'connect');
  const connected = Promise.withResolvers<void>();
  const engine = new DtlsClient({
    protection: acceleratedProtection(),
    send: (buffer, offset, length) => udp.send(Buffer.from(buffer.subarray(offset, offset + length))),
    peer: { address: host, port: PORT, family: 'IPv4' },
    credentials: { kind: 'psk', key, identity: 'psk' },
    sessionId: Buffer.from(id, 'hex'),
    onConnect: () => connected.resolve(),
    onClose: (reason) => connected.reject(new Error(reason)),
  });
  udp.on('message', (message) => engine.input(message, performance.now()));
  udp.on('error', () => {});
  engine.start(performance.now());
  const timer = setInterval(() => engine.tick(performance.now()), 200);
  await connected.promise.finally(() => clearInterval(timer));
}

interface Done {
  readonly done: number;
  readonly perSecond: number;
}

/** So many at a time. */
async function many(
  count: number,
  concurrent: number,
  work: (index: number, worker: number) => Promise<unknown>,
): Promise<Done> {
  let next = 0;
  const started = performance.now();
  const worker = async (_: unknown, number: number): Promise<void> => {
    while (next < count) await work(next++, number);
  };
  await Promise.all(Array.from({ length: concurrent }, worker));
  return { done: count, perSecond: count / ((performance.now() - started) / 1000) };
}

const tunnels: Tunnel[] = [];
/** Tunnels before this one have their DTLS channel, or it is somebody else's business. */
let without = 0;
const cookies: string[] = [];

async function login(): Promise<void> {
  const socket = await dial();
  tunnels.push(await open(socket, await authenticate(socket)));
}

const commands: Record<string, (count: number, concurrent: number) => Promise<unknown>> = {
  login: (count, concurrent) => many(count, concurrent, login),
  async keys() {
    const fresh = tunnels.slice(without);
    without = tunnels.length;
    return { keys: fresh.map(secrets).map(({ id, key }) => `${id.toLowerCase()} ${key.toString('hex')}`) };
  },
  async dtls(count, concurrent) {
    const fresh = tunnels.slice(without, without + count);
    without += fresh.length;
    return await many(fresh.length, concurrent, (index) => dtls(fresh[index]!));
  },
  async resume(count, concurrent) {
    while (cookies.length < concurrent) cookies.push(await authenticate(await dial()));
    return await many(count, concurrent, async (_, worker) => tunnels.push(await open(await dial(), cookies[worker]!)));
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [command = '', count = '1', concurrent = '1'] = line.split(' ');
  console.log(JSON.stringify(await commands[command]!(Number(count), Number(concurrent))));
}
process.exit(0);
