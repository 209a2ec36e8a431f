import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { startSimulator, TunnelClient } from '../../src/index.ts';
import { patternChunk } from '../../src/services/index.ts';

// A large file down and up through a server of one's own, while its requests are recorded: of the bytes that pass, only what is under way
// and the beginning of each body is held.

const MIB = 1024 * 1024;
/** With `TUNNELITE_FUZZ`, as other long tests: the whole gigabyte. */
const isLong = process.env.TUNNELITE_FUZZ !== undefined;
const SIZE = isLong ? 1024 * MIB : 128 * MIB;
/** What may be held at any time: windows and queues of two stacks, TLS, and sockets. A file is larger. */
const MOST = 96 * MIB;
const LOOK = SIZE / 8;
const BODY = 4096;

t.setTimeout(isLong ? 1_200_000 : 200_000);

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function* pattern(): Generator<Buffer> {
  for (let at = 0; at < SIZE; at += 65_536) yield patternChunk(at, SIZE - at);
}

function digestOf(parts: Iterable<Buffer>): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

const download: RequestListener = (_request, response) => {
  response.writeHead(200, { 'content-length': SIZE });
  pipeline(Readable.from(pattern(), { objectMode: false }), response).catch(() => response.destroy());
};

const upload: RequestListener = async (request, response) => {
  const hash = createHash('sha256');
  for await (const part of request) hash.update(part as Buffer);
  response.end(hash.digest('hex'));
};

/** The developer's own server. */
const handler: RequestListener = (request, response) => {
  if (request.url === '/small') response.end('small');
  else if (request.method === 'POST') upload(request, response);
  else download(request, response);
};

/** Counts bytes, and looks at the memory now and then. */
class Meter {
  readonly #before: number;
  #passed = 0;
  most = 0;
  rss = 0;

  constructor() {
    collect();
    this.#before = this.#held();
  }

  #held(): number {
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  }

  passed(bytes: number): void {
    const looks = Math.floor(this.#passed / LOOK);
    this.#passed += bytes;
    this.rss = Math.max(this.rss, process.memoryUsage.rss());
    if (Math.floor(this.#passed / LOOK) === looks) return;
    collect();
    this.most = Math.max(this.most, this.#held() - this.#before);
  }
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / MIB)} MiB`;

t.test('a large file passes a recorded upstream byte by byte, and not through memory as a whole', async (t) => {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  await using sim = await startSimulator({
    log: { level: 'silent' },
    resources: { requests: { bodyBytes: BODY } },
  });
  sim.resources.add({ match: 'own.contoso.internal', ports: [80], to: { host: '127.0.0.1', port } });
  sim.resources.add({ match: 'here.contoso.internal', ports: [80] }, handler);
  await using client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: await sim.token() });
  const digest = digestOf(pattern());

  // Whatever is loaded on first use.
  for (const host of ['own', 'here']) await client.fetch(`http://${host}.contoso.internal/small`);

  for (const host of ['own.contoso.internal', 'here.contoso.internal']) {
    const agent = client.httpAgent({ keepAlive: false });
    const ask = async (method: string, sent: Iterable<Buffer>, hash: Hash, meter: Meter): Promise<string> => {
      const request = httpRequest({ method, host, path: '/large', agent, headers: { host } });
      const metered = function* (): Generator<Buffer> {
        for (const part of sent) {
          meter.passed(part.length);
          yield part;
        }
      };
      const answered = once(request, 'response');
      await pipeline(Readable.from(metered(), { objectMode: false }), request);
      const [response] = (await answered) as [IncomingMessage];
      let text = '';
      for await (const part of response as AsyncIterable<Buffer>) {
        meter.passed(part.length);
        hash.update(part);
        if (text.length < 64) text += part.toString('latin1').slice(0, 64);
      }
      return text;
    };
    const down = new Meter();
    const hash = createHash('sha256');
    await ask('GET', [], hash, down);
    t.equal(hash.digest('hex'), digest, `${host}, down`);
    const up = new Meter();
    t.equal(await ask('POST', pattern(), createHash('sha256'), up), digest, `${host}, up`);
    for (const [way, { most, rss }] of Object.entries({ down, up })) {
      t.comment(`${host}, ${mebibytes(SIZE)} ${way}: ${mebibytes(most)} held, RSS ${mebibytes(rss)} at most`);
      t.ok(most < MOST, `${host}, ${way}: ${mebibytes(most)} held`);
    }
    agent.destroy();
  }

  const entries = (sim.resources.har() as unknown as Har).log.entries.slice(2);
  t.strictSame(
    entries.map(({ request, response }) => [
      request.method,
      request.bodySize,
      response.content.size,
      response.content.text?.length,
    ]),
    ['own', 'here'].flatMap(() => [
      ['GET', 0, SIZE, entries[0]!.response.content.text!.length],
      ['POST', SIZE, 64, 64],
    ]),
  );
});

interface Har {
  readonly log: {
    readonly entries: readonly {
      readonly request: { readonly method: string; readonly bodySize: number };
      readonly response: { readonly content: { readonly size: number; readonly text?: string } };
    }[];
  };
}
