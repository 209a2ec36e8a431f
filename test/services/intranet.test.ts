import { createHash } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { type Duplex, duplexPair } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import t, { type Test } from 'tap';
import { ManualClock } from '../../src/lib/clock.ts';
import { createOnPremises, patternChunk } from '../../src/services/index.ts';
import { Telemetry } from '../../src/telemetry/index.ts';
import { testCertificates, testLeaf } from '../support/certificates.ts';
import { matchesPattern } from '../support/pattern.ts';
import { NO_WAY_ON } from '../support/proxy-parts.ts';
import { visitor } from '../support/visitor.ts';

const setup = async (t: Test) => {
  const telemetry = new Telemetry({ clock: new ManualClock() });
  const certificate = await testLeaf('intranet.contoso.internal');
  const network = await createOnPremises({
    ...NO_WAY_ON,
    hosts: [],
    emit: telemetry.emit,
    tls: { cert: certificate.certPem, key: certificate.keyPem },
    issuer: { ca: certificate.caPem, special: (await testCertificates()).special },
  });
  t.teardown(() => network.close());
  return { network, telemetry, certificate };
};

const fetchOver = (
  stream: Duplex,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: Iterable<Buffer> } = {},
) =>
  new Promise<{ status: number; headers: IncomingMessage['headers']; body: Buffer }>((resolve, reject) => {
    const request = httpRequest(
      {
        method: options.method ?? 'GET',
        path,
        headers: { host: 'intranet.contoso.internal', ...options.headers },
        createConnection: () => stream,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) }),
        );
      },
    );
    request.on('error', reject);
    for (const chunk of options.body ?? []) request.write(chunk);
    request.end();
  });

t.test('the start page shows who reached it and over what', async (t) => {
  const { network, telemetry } = await setup(t);
  const [near, far] = duplexPair();
  network.stream('intranet-http')!.open(far, visitor);
  const { status, body, headers } = await fetchOver(near, '/');
  t.equal(status, 200);
  t.match(headers['content-type'], /text\/html/);
  for (const text of [
    'alice@contoso.example',
    'a1b2c3',
    '169.254.0.2 port 40000',
    '10.20.0.10 port 80',
    'none (plain HTTP)',
  ]) {
    t.ok(body.includes(text), text);
  }
  const event = await telemetry.journal.waitFor({ name: 'service.request' });
  t.match(event.fields, { service: 'intranet-http', method: 'GET', path: '/', status: 200 });
  near.destroy();
});

t.test('a visitor name with markup in it is shown as text', async (t) => {
  const { network } = await setup(t);
  const [near, far] = duplexPair();
  network
    .stream('intranet-http')!
    .open(far, { ...visitor, person: { ...visitor.person!, signInName: '<script>alert(1)</script>' } });
  const { body } = await fetchOver(near, '/');
  t.notOk(body.includes('<script>'));
  t.ok(body.includes('&lt;script&gt;'));
  near.destroy();
});

t.test('HTTPS is served inside the stream, with the certificate of the mock network', async (t) => {
  const { network, certificate } = await setup(t);
  const [near, far] = duplexPair();
  network.stream('intranet-https')!.open(far, { ...visitor, destinationPort: 443 });
  const secure = tlsConnect({ socket: near, servername: 'intranet.contoso.internal', ca: certificate.caPem });
  const { body } = await fetchOver(secure, '/whoami');
  const facts = JSON.parse(body.toString());
  t.match(facts, { signInName: 'alice@contoso.example', scheme: 'https', tls: { protocol: 'TLSv1.3' } });
  secure.destroy();
});

t.test('a download has the asked length and the known pattern', async (t) => {
  const { network } = await setup(t);
  const [near, far] = duplexPair();
  network.stream('intranet-http')!.open(far, visitor);
  const { body, headers } = await fetchOver(near, '/bytes/300001');
  t.equal(headers['content-length'], '300001');
  t.equal(body.length, 300_001);
  t.ok(matchesPattern(body, 0));
  near.destroy();
});

t.test('an upload is counted and hashed', async (t) => {
  const { network } = await setup(t);
  const [near, far] = duplexPair();
  network.stream('intranet-http')!.open(far, visitor);
  const chunks = [patternChunk(0, 65_536), patternChunk(65_536, 65_536), patternChunk(131_072, 99)];
  const { body } = await fetchOver(near, '/upload', {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: chunks,
  });
  t.strictSame(JSON.parse(body.toString()), {
    bytes: 131_171,
    sha256: createHash('sha256').update(Buffer.concat(chunks)).digest('hex'),
  });
  near.destroy();
});

for (const path of ['/bytes/-1', '/bytes/1.5', '/bytes/x', '/bytes/99999999999999999', '/status/99', '/status/abc']) {
  t.test(`${path} is refused with words`, async (t) => {
    const { network } = await setup(t);
    const [near, far] = duplexPair();
    network.stream('intranet-http')!.open(far, visitor);
    const { status, body } = await fetchOver(near, path);
    t.equal(status, 400);
    t.match(JSON.parse(body.toString()).error, /must be/);
    near.destroy();
  });
}

t.test('garbage instead of HTTP or TLS ends that stream only', async (t) => {
  const { network } = await setup(t);
  for (const service of ['intranet-http', 'intranet-https']) {
    const [near, far] = duplexPair();
    network.stream(service)!.open(far, visitor);
    const closed = new Promise((resolve) => far.once('close', resolve));
    near.on('error', () => {});
    near.resume();
    near.write(Buffer.from('\x00\x01garbage\r\n\r\n'));
    near.once('end', () => near.destroy());
    await closed;
    near.destroy();
  }
  const [near, far] = duplexPair();
  network.stream('intranet-http')!.open(far, visitor);
  t.equal((await fetchOver(near, '/status/204')).status, 204);
  near.destroy();
});
