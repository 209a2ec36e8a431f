import t from 'tap';
import type { DtlsPeer } from '../../../src/dtls/association/types.ts';
import { CLIENT, DtlsLink, recordsOf } from '../../support/dtls-link.ts';

const OTHER: DtlsPeer = { address: '192.0.2.1', port: 9, family: 'IPv4' };

const SESSION_ID = Buffer.alloc(32, 1);

/** A link whose server demands a cookie, up to the client's second ClientHello, which is returned and not delivered. */
function untilCookie(): { link: DtlsLink; hello: Buffer } {
  const link = new DtlsLink({
    server: { cookie: true },
    fate: (direction, index) => (direction === 'to-server' && index === 1 ? [] : [1]),
  });
  link.client.start(0);
  link.run(3);
  return { link, hello: link.datagrams('to-server')[1]! };
}

t.test('with cookies on, a ClientHello makes no state and gets less than it is (RFC 6347 §4.2.1)', (t) => {
  const { link } = untilCookie();
  const [request, answer] = [link.datagrams('to-server')[0]!, link.datagrams('to-client')[0]!];
  t.equal(link.server.handshakes, 0);
  t.equal(link.server.nextDeadline, Infinity);
  t.ok(answer.length < request.length);
  const [record] = recordsOf(answer);
  t.equal(record?.body[0], 3, 'HelloVerifyRequest');
  t.equal(answer.readUInt16BE(1), 0xfeff, 'its version is 1.0');
  t.end();
});

t.test('however many ClientHellos of whatever size come, what is sent back is never more', (t) => {
  const { link } = untilCookie();
  const hello = link.datagrams('to-server')[0]!;
  for (let i = 0; i < 200; i++) {
    const before = link.datagrams('to-client').length;
    const cut = Buffer.from(hello.subarray(0, 60 + (i % 60)));
    cut.writeUInt16BE(cut.length - 13, 11);
    cut.writeUIntBE(cut.length - 25, 22, 3);
    cut[27] = i + 1;
    link.server.input(cut, OTHER, 0);
    const sent = link.datagrams('to-client').slice(before);
    if (sent.reduce((sum, datagram) => sum + datagram.length, 0) > cut.length) t.fail(`amplified ${cut.length} bytes`);
  }
  t.ok(link.datagrams('to-client').length > 100);
  t.equal(link.server.handshakes, 0);
  t.end();
});

t.test('the cookie of one address, port or hello is not good for another', (t) => {
  const { link, hello } = untilCookie();
  link.server.input(hello, OTHER, link.now);
  link.server.input(hello, { ...CLIENT, port: CLIENT.port + 1 }, link.now);
  const changed = Buffer.from(hello);
  changed[30]! ^= 1;
  link.server.input(changed, CLIENT, link.now);
  t.equal(link.server.handshakes, 0);
  t.equal(link.server.stats.helloVerifyRequests, 4);
  link.server.input(hello, CLIENT, link.now);
  t.equal(link.server.handshakes, 1);
  t.end();
});

t.test('a cookie lives for one change of keys, not for two', (t) => {
  for (const [age, good] of [
    [59_000, 1],
    [100_000, 1],
    [130_000, 0],
    [1_000_000, 0],
  ] as const) {
    const { link, hello } = untilCookie();
    link.server.input(hello, CLIENT, age);
    t.equal(link.server.handshakes, good, `after ${age} ms`);
  }
  t.end();
});

t.test('a ClientHello in fragments is answered too, with its first fragment proving the cookie', (t) => {
  for (const cookie of [true, false]) {
    const link = new DtlsLink({ server: { cookie }, client: { mtu: 128, sessionId: SESSION_ID } });
    link.client.start(0);
    t.ok(link.datagrams('to-server').length > 1, 'fragments');
    link.run(1000, () => link.up);
    t.ok(link.up);
  }
  t.end();
});

t.test('fragments without their beginning make no state where cookies are on', (t) => {
  const link = new DtlsLink({ server: { cookie: true }, client: { mtu: 128, sessionId: SESSION_ID }, fate: () => [] });
  link.client.start(0);
  link.server.input(link.datagrams('to-server')[1]!, CLIENT, 0);
  t.strictSame(link.drops, ['unexpected']);
  t.end();
});

t.test('strangers who leave ClientHellos unfinished keep nobody else out', (t) => {
  const link = new DtlsLink({ client: { mtu: 128, sessionId: SESSION_ID } });
  link.client.start(0);
  const first = link.datagrams('to-server')[0]!;
  for (let i = 0; i < 200; i++) link.server.input(first, { ...CLIENT, address: '192.0.2.66', port: 1000 + i }, 0);
  link.run(300, () => link.up);
  t.ok(link.up, 'before any retransmission');
  t.notOk(link.drops.includes('full'));
  t.end();
});
