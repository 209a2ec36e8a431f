/**
 * Logs in many times and keeps the tunnels; a process of its own for the benchmark.
 *
 *   node login-client.ts <host> <name> <ca file> <count> <concurrency> bearer <token>
 *   node login-client.ts <host> <name> <ca file> <count> <concurrency> form <user> <password>
 *
 * Prints a line of JSON when all are connected, with DTLS where the server offers it; ends with its input.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type TLSSocket } from 'node:tls';
import { DtlsClient } from '../../src/dtls/client.ts';

const [host = '', name = '', caFile = '', count = '1', concurrency = '1', mode = '', first = '', second = ''] =
  process.argv.slice(2);
const PORT = 4443;
const ca = readFileSync(caFile);
const XML = '<?xml version="1.0" encoding="UTF-8"?>\n';
const AGENT = 'User-Agent: Open AnyConnect VPN Agent v9.01-3';

async function answer(socket: TLSSocket, request: string): Promise<string> {
  socket.write(request);
  let text = '';
  for (;;) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    text += chunk.toString('latin1');
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) continue;
    const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
    if (text.length >= end + 4 + length) return text;
  }
}

function post(path: string, body: string, extra = ''): string {
  const text = XML + body;
  return `POST ${path} HTTP/1.1\r\nHost: ${name}\r\n${AGENT}\r\nX-Transcend-Version: 1\r\nX-Aggregate-Auth: 1\r\n${extra}Content-Type: application/xml; charset=utf-8\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
}

const config = (type: string, inner: string): string =>
  `<config-auth client="vpn" type="${type}" aggregate-auth-version="2"><version who="vpn">v9.01-3</version>${inner}</config-auth>`;

async function login(): Promise<{ socket: TLSSocket; head: string }> {
  const socket = connect({ host, port: PORT, servername: name, ca });
  await once(socket, 'secureConnect');
  socket.setNoDelay(true);
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
  const head = await answer(
    socket,
    `CONNECT /CSCOSSLC/tunnel HTTP/1.1\r\nHost: ${name}\r\n${AGENT}\r\nCookie: webvpn=${cookie}\r\nX-CSTP-Version: 1\r\nX-CSTP-Base-MTU: 1500\r\nX-CSTP-Address-Type: IPv4\r\nX-DTLS-CipherSuite: PSK-NEGOTIATE\r\n\r\n`,
  );
  if (!head.startsWith('HTTP/1.1 200')) throw new Error(`CONNECT was answered ${head.slice(0, 200)}`);
  socket.on('data', () => {});
  socket.on('error', () => {});
  return { socket, head };
}

async function dtls(socket: TLSSocket, head: string): Promise<void> {
  const id = /X-DTLS-App-ID: ([0-9a-f]+)/i.exec(head)?.[1];
  if (!id) return;
  const key = (socket.exportKeyingMaterial as (length: number, label: string) => Buffer)(
    32,
    'EXPORTER-openconnect-psk',
  );
  const udp = createSocket('udp4');
  udp.connect(PORT, host);
  await once(udp, 'connect');
  const connected = Promise.withResolvers<void>();
  const engine = new DtlsClient({
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
  await connected.promise;
  clearInterval(timer);
}

async function many<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<number> {
  const queue = [...items];
  const started = performance.now();
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Number(concurrency) }, worker));
  return items.length / ((performance.now() - started) / 1000);
}

const tunnels: { socket: TLSSocket; head: string }[] = [];
await login();
const logins = await many(
  Array.from({ length: Number(count) }, (_, i) => i + 1),
  async () => tunnels.push(await login()),
);
console.log(JSON.stringify({ logins }));
const handshakes = await many(tunnels, ({ socket, head }) => dtls(socket, head));
console.log(JSON.stringify({ handshakes }));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
