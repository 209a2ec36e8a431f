import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { TLSSocket } from 'node:tls';
import t from 'tap';
import { ManualClock } from '../../../src/lib/clock.ts';
import { seededRandom } from '../../../src/lib/random.ts';
import { CstpType, serializeCstp } from '../../../src/wire/cstp.ts';
import { LightLab, pass } from '../../support/light-lab.ts';
import { ANSWERS, requestsOf, scriptedGateway, welcome } from '../../support/scripted-gateway.ts';

/* A gateway that means harm, on the ways that the light client has beside the login: a state that is defined, an error with a code, within bounds. */

/** Login or not, every CONNECT is answered; then `script` gets the connection. */
const serve =
  (headers: Record<string, string>, script: (socket: TLSSocket) => void) =>
  async (socket: TLSSocket): Promise<void> => {
    const requests = requestsOf(socket);
    let challenged = false;
    for (;;) {
      const { method } = await requests.next();
      if (method === 'CONNECT') break;
      socket.write(challenged ? ANSWERS.complete : ANSWERS.challenge);
      challenged = true;
    }
    socket.write(ANSWERS.connected(headers));
    script(socket);
  };

t.test('an address that no host has, a size that no packet has, and routes without end open no tunnel', async (t) => {
  const many = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, i) => [`X-CSTP-Split-Include-${i}`, '10.0.0.0/8']),
  );
  const cases: [string, Record<string, string>][] = [
    ['0.0.0.0', { 'X-CSTP-Address': '0.0.0.0' }],
    ['loopback', { 'X-CSTP-Address': '127.0.0.1' }],
    ['broadcast', { 'X-CSTP-Address': '255.255.255.255' }],
    ['MTU 1', { 'X-CSTP-MTU': '1' }],
    ['MTU 65535', { 'X-CSTP-MTU': '65535' }],
    ['10,000 headers', many],
  ];
  for (const [name, headers] of cases) {
    await using gateway = await scriptedGateway((socket) => welcome(socket, headers));
    await using lab = new LightLab(gateway);
    await t.rejects(lab.client.connect(), { code: 'ERR_CLIENT_PROTOCOL' }, name);
    t.equal(lab.client.state, 'ended');
  }
});

t.test('a login that is sent from one address to the next is not followed', async (t) => {
  let requests = 0;
  await using gateway = await scriptedGateway(async (socket) => {
    const from = requestsOf(socket);
    for (;;) {
      await from.next();
      requests++;
      socket.write('HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n');
    }
  });
  await using lab = new LightLab(gateway);
  await t.rejects(lab.client.connect(), { code: 'ERR_CLIENT_PROTOCOL', details: { came: 'redirect' } });
  t.equal(requests, 1);
});

t.test('a gateway that ends each session at once is left after the first', async (t) => {
  await using gateway = await scriptedGateway(
    serve({}, (socket) => void socket.write(serializeCstp(CstpType.Terminate))),
  );
  await using lab = new LightLab(gateway);
  await lab.client.connect();
  await lab.until(() => lab.error !== undefined);
  t.match(lab.error, { code: 'ERR_CLIENT_DISCONNECTED' });
  t.equal(gateway.accepted.length, 1);
});

t.test('a gateway that drops each tunnel at once is not run against', async (t) => {
  const clock = new ManualClock();
  await using gateway = await scriptedGateway(serve({}, (socket) => void socket.end()));
  await using lab = new LightLab(gateway, { clock });
  await lab.client.connect();
  await pass(clock, 120);
  t.ok(gateway.accepted.length > 3, 'it tries again');
  t.ok(gateway.accepted.length < 16, `${gateway.accepted.length} connections in two minutes`);
});

t.test('garbage, and answers that lie, on the port for DTLS leave the tunnel on TLS', async (t) => {
  const random = seededRandom(3);
  const udp: Socket = createSocket('udp4');
  udp.bind(0, '127.0.0.1');
  await once(udp, 'listening');
  let datagrams = 0;
  udp.on('message', (message, from) => {
    datagrams++;
    // Noise, what came, what came with bytes changed, and records whose lengths lie.
    const changed = Buffer.from(message);
    for (let i = 0; i < 4; i++) changed[random.uint32() % changed.length] = random.uint32() & 0xff;
    const lying = Buffer.concat([Buffer.from('16fefd0000000000000000ffff', 'hex'), random.bytes(50)]);
    for (const answer of [random.bytes(100), message, changed, lying, Buffer.alloc(0)]) {
      udp.send(answer, from.port, from.address);
    }
  });
  const clock = new ManualClock();
  const offer = {
    'X-DTLS-Port': String(udp.address().port),
    'X-DTLS-App-ID': 'ab'.repeat(32),
    'X-DTLS-CipherSuite': 'PSK-NEGOTIATE',
  };
  await using gateway = await scriptedGateway(serve(offer, () => {}));
  await using lab = new LightLab(gateway, { clock });
  await lab.client.connect();
  await pass(clock, 60);
  t.ok(datagrams > 1, `${datagrams} datagrams`);
  t.equal(lab.client.state, 'connected');
  t.equal(lab.client.channel, 'tls');
  t.equal(lab.send(), 'tls');
  const closed = once(udp, 'close');
  udp.close();
  await closed;
});

t.test('an offer of DTLS that makes no sense is none', async (t) => {
  const port = { 'X-DTLS-Port': '4433' };
  const cases: Record<string, string>[] = [
    { 'X-DTLS-CipherSuite': 'PSK-NEGOTIATE' },
    { 'X-DTLS-CipherSuite': 'PSK-NEGOTIATE', 'X-DTLS-App-ID': 'xyz' },
    { 'X-DTLS-CipherSuite': 'PSK-NEGOTIATE', 'X-DTLS-App-ID': 'ab'.repeat(33) },
    { 'X-DTLS12-CipherSuite': 'NULL-MD5', 'X-DTLS-Session-ID': 'ab'.repeat(32) },
    { 'X-DTLS12-CipherSuite': 'AES256-GCM-SHA384', 'X-DTLS-Session-ID': '' },
    { 'X-DTLS-App-ID': 'ab'.repeat(32) },
  ];
  for (const headers of cases) {
    await using gateway = await scriptedGateway(serve({ ...port, ...headers }, () => {}));
    await using lab = new LightLab(gateway);
    await lab.client.connect();
    t.equal(lab.carrier.ports, 0, JSON.stringify(headers));
    t.equal(lab.send(), 'tls');
  }
});
