import { createHash, randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { decode, encode, RECURSION_DESIRED } from 'dns-packet';
import { TunnelClient } from '../../../src/index.ts';
import { patternChunk } from '../../../src/services/pattern.ts';
import { SocksTunnel } from '../socks-tunnel.ts';
import type { Ready } from './gateway-main.ts';
import { HonestWork } from './honest-work.ts';

/** Hosts of the default configuration. */
const INTRANET = '10.20.0.10';
const TOOLS = '10.20.0.20';
const RESOLVER = '10.20.0.53';

/** Bytes of one download: less than the gateway queues towards one client, so that nothing of it is dropped for being too much. */
const DOWNLOAD_BYTES = 200_000;

/** Somebody else's session, which works all along and must not notice anything. */
export interface Victim extends AsyncDisposable {
  readonly work: HonestWork;
  /** Its data goes over DTLS. */
  readonly overDtls?: boolean;
}

function expectSame(got: Buffer, wanted: Buffer): void {
  if (!got.equals(wanted)) throw new Error(`${got.length} bytes came back, and not what was sent`);
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

const DOWNLOAD_HASH = (() => {
  const parts: Buffer[] = [];
  for (let at = 0; at < DOWNLOAD_BYTES; at += parts.at(-1)!.length) parts.push(patternChunk(at, DOWNLOAD_BYTES - at));
  return sha256(Buffer.concat(parts));
})();

function expectDownload(body: Buffer): void {
  if (sha256(body) !== DOWNLOAD_HASH) throw new Error(`a download of ${body.length} bytes is not what it should be`);
}

async function readAll(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** What is beyond the gateway, where it is configured so. */
export interface Upstreams {
  /** An address that leads to a real server, which says something on port 80 and answers datagrams on port 7. */
  readonly address?: string;
  /** A domain of which every name gets an address when it is looked up. */
  readonly domain?: string;
}

/** The bundled client, over TLS: pings, datagrams, look-ups, connections and downloads. */
export async function bundledVictim(
  gateway: Ready,
  token: string,
  { address, domain }: Upstreams = {},
): Promise<Victim> {
  const client = await TunnelClient.connect({ server: gateway.gateway, token, ca: gateway.ca, dtls: 'off' });
  const work = new HonestWork('bundled');
  work.add('ping', 40, async () => void (await client.ping(INTRANET)));
  const echoed = async (bytes: number): Promise<void> => {
    const payload = randomBytes(bytes);
    expectSame(await client.exchangeUdp(TOOLS, 7, payload), payload);
  };
  work.add('datagram', 100, () => echoed(64));
  work.add('datagram in fragments', 200, () => echoed(4000));
  const lookUp = async (name: string): Promise<string> => {
    const query = encode({ type: 'query', id: 7, flags: RECURSION_DESIRED, questions: [{ type: 'A', name }] });
    const [answer] = decode(await client.exchangeUdp(RESOLVER, 53, query)).answers ?? [];
    if (answer?.type !== 'A') throw new Error(`the answer is ${JSON.stringify(answer)}`);
    return answer.data;
  };
  work.add('look-up', 100, async () => {
    const found = await lookUp('intranet.contoso.internal');
    if (found !== INTRANET) throw new Error(`it has the address ${found}`);
  });
  let names = 0;
  if (domain !== undefined)
    work.add('look-up of a new name', 200, async () => void (await lookUp(`honest${names++}.${domain}`)));
  work.add(
    'connection',
    50,
    async () => {
      const stream = await client.openTcp(TOOLS, 7);
      const payload = randomBytes(64);
      stream.end(payload);
      expectSame(await readAll(stream), payload);
    },
    1,
  );
  work.add(
    'download',
    100,
    async () => expectDownload((await client.fetch(`http://${INTRANET}/bytes/${DOWNLOAD_BYTES}`)).body),
    1,
  );
  if (address !== undefined) {
    const say = async (): Promise<void> => {
      const stream = await client.openTcp(address, 80);
      stream.end();
      const said = await readAll(stream);
      if (said.length === 0) throw new Error('it says nothing');
    };
    work.add('connection to an upstream', 100, say, 1);
    work.add(
      'datagram to an upstream',
      100,
      async () => void (await client.exchangeUdp(address, 7, Buffer.from('?'))),
      1,
    );
  }
  return {
    work,
    async [Symbol.asyncDispose]() {
      await work.stop();
      await client.close();
    },
  };
}

/** openconnect without root, over DTLS: what goes into the tunnel comes through ocproxy. */
export async function openconnectVictim(gateway: Ready, token: string, folder: string): Promise<Victim> {
  const tunnel = await SocksTunnel.open({ ca: gateway.ca, urls: gateway }, token, folder);
  // Until ocproxy listens.
  await tunnel.fetch(`http://${INTRANET}/whoami`);
  const work = new HonestWork('openconnect');
  const get = async (path: string): Promise<Buffer> => {
    const stream = await tunnel.open('intranet.contoso.internal', 80);
    stream.write(`GET ${path} HTTP/1.1\r\nHost: intranet.contoso.internal\r\nConnection: close\r\n\r\n`);
    const answer = await readAll(stream);
    const end = answer.indexOf('\r\n\r\n');
    if (!answer.toString('latin1', 0, end).startsWith('HTTP/1.1 200 ')) throw new Error(`answered ${answer}`);
    return answer.subarray(end + 4);
  };
  work.add('connection', 50, async () => void (await get('/whoami')), 1);
  work.add('download', 100, async () => expectDownload(await get(`/bytes/${DOWNLOAD_BYTES}`)), 1);
  return {
    work,
    overDtls: true,
    async [Symbol.asyncDispose]() {
      await work.stop();
      await tunnel[Symbol.asyncDispose]();
    },
  };
}

/** Logs in, opens a tunnel and leaves again: the unit that work of the gateway is measured in. */
export async function honestLogin(gateway: Ready, token: string): Promise<void> {
  const client = await TunnelClient.connect({ server: gateway.gateway, token, ca: gateway.ca, dtls: 'off' });
  await client.close();
}

/** People who come and go. */
export function newcomers(gateway: Ready, token: string): Victim {
  const work = new HonestWork('newcomer');
  work.add('login', 150, () => honestLogin(gateway, token), 1);
  return { work, [Symbol.asyncDispose]: () => work.stop() };
}
