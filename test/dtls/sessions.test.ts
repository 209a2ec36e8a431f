import t from 'tap';
import type { DtlsPeer } from '../../src/dtls/association/types.ts';
import { CLIENT, DtlsLink, PSK, recordsOf } from '../support/dtls-link.ts';

const ELSEWHERE: DtlsPeer = { address: '192.0.2.7', port: 4321, family: 'IPv4' };
const OTHER_PORT: DtlsPeer = { ...CLIENT, port: 5001 };

/** A server that finds sessions by session id, as a gateway does. */
function sessions(): DtlsLink {
  return new DtlsLink({
    server: {
      lookup: (hello) => {
        const id = hello.sessionId.toString('latin1');
        return id === '' ? undefined : { kind: 'psk', key: PSK, context: id, session: id };
      },
    },
    client: { sessionId: Buffer.from('one') },
  });
}

t.test('a second handshake runs beside the association, which stays in use until it is complete', (t) => {
  const link = sessions().connect().say('a');
  const first = link.client;
  link.run(4000);
  link.clientPeer = OTHER_PORT;
  const second = link.newClient({ sessionId: Buffer.from('one') });
  second.start(link.now);
  link.server.input(link.datagrams('to-server').at(-1)!, OTHER_PORT, link.now);
  t.equal(link.server.size, 1);
  t.equal(link.server.handshakes, 1);
  link.connected[0]!.send(Buffer.from('to the first'), 0, 12);
  t.equal(recordsOf(link.datagrams('to-client').at(-1)!)[0]?.epoch, 1);
  first.association!.send(Buffer.from('b'), 0, 1);
  link.server.input(link.datagrams('to-server').at(-1)!, CLIENT, link.now);
  t.strictSame(link.atServer, ['a', 'b'], 'the first still delivers');
  link.run(link.now + 100);
  t.equal(link.connected.length, 2);
  t.equal(link.server.size, 1);
  t.strictSame(link.closed, [{ reason: 'replaced', details: {} }]);
  t.strictSame(link.events.slice(-2), ['connect', 'close replaced']);
  link.say('c');
  t.strictSame(link.atServer, ['a', 'b', 'c']);
  t.end();
});

t.test('the same from the same address and port', (t) => {
  const link = sessions().connect().say('a');
  link.run(4000);
  link.newClient({ sessionId: Buffer.from('one') }).start(link.now);
  link.run(link.now + 100);
  link.say('b');
  t.strictSame(link.atServer, ['a', 'b']);
  t.equal(link.server.size, 1);
  t.equal(link.connected.length, 2);
  t.end();
});

t.test('a replayed ClientHello breaks nothing, from wherever it comes and whenever', (t) => {
  const link = sessions().connect().say('a');
  const hello = link.datagrams('to-server')[0]!;
  for (const [peer, at] of [
    [CLIENT, 100],
    [CLIENT, 5000],
    [ELSEWHERE, 6000],
    [OTHER_PORT, 10_000],
  ] as const) {
    link.run(at);
    link.server.input(hello, peer, link.now);
    link.say(`after ${at}`);
  }
  t.strictSame(link.atServer, ['a', 'after 100', 'after 5000', 'after 6000', 'after 10000']);
  t.strictSame(link.drops, Array(4).fill('repeated-hello'));
  t.equal(link.server.handshakes, 0);
  t.end();
});

t.test('within 3 s of the last, another ClientHello of the session waits [reference §7.4]', (t) => {
  const link = sessions().connect();
  link.clientPeer = OTHER_PORT;
  link.newClient({ sessionId: Buffer.from('one') }).start(link.now);
  link.run(2900);
  t.equal(link.connected.length, 1);
  t.ok(link.drops.every((reason) => reason === 'too-soon') && link.drops.length > 0);
  link.run(10_000, () => link.connected.length === 2);
  t.equal(link.connected.length, 2, 'a later retransmission gets through');
  t.end();
});

t.test('another session of the same address and port does not wait', (t) => {
  const link = sessions().connect();
  link.newClient({ sessionId: Buffer.from('two') }).start(link.now);
  link.run(link.now + 100);
  t.strictSame(
    link.connected.map((association) => association.context),
    ['one', 'two'],
  );
  t.equal(link.server.size, 1, 'and the one that was there is gone');
  t.end();
});

t.test('a handshake that never ends is given up, and its session is free again', (t) => {
  const link = sessions();
  link.client.start(0);
  link.server.input(link.datagrams('to-server')[0]!, ELSEWHERE, 0);
  link.run(70_000);
  t.equal(link.server.handshakes, 0);
  t.equal(link.server.nextDeadline, Infinity);
  t.end();
});

for (const [name, peer] of [
  ['port', OTHER_PORT],
  ['address', ELSEWHERE],
] as const) {
  t.test(`a client that sends from another ${name} is followed before its data is delivered`, (t) => {
    const link = sessions().connect().say('a');
    link.clientPeer = peer;
    link.events.length = 0;
    link.say('b');
    t.strictSame(link.events, ['move', 'data']);
    t.strictSame(link.moves, [[CLIENT, peer]]);
    t.strictSame(link.connected[0]?.peer, peer);
    link.answer('c');
    t.strictSame([link.atServer, link.atClient], [['a', 'b'], ['c']]);
    link.say('d');
    t.equal(link.moves.length, 1, 'the new address is known now');
    t.end();
  });
}

for (const [where, place] of [
  ['of one address each', (i: number): DtlsPeer => ({ ...CLIENT, address: `10.1.0.${i}` })],
  ['behind one address', (i: number): DtlsPeer => ({ ...CLIENT, port: 6000 + i })],
] as const) {
  t.test(`among 200 associations ${where} the one that moved is found`, (t) => {
    const link = sessions().connect();
    const clients = [link.client];
    for (let i = 1; i < 200; i++) {
      link.clientPeer = place(i);
      clients.push(link.newClient({ sessionId: Buffer.from(`s${i}`) }));
      link.connect();
      for (let n = 0; n < i % 50; n++) link.say('.');
    }
    t.equal(link.server.size, 200);
    link.run(link.now + 2000);
    for (const peer of [ELSEWHERE, OTHER_PORT]) {
      link.clientPeer = peer;
      link.client = clients[123]!;
      link.say(`now at ${peer.address}`);
      t.equal(link.atServer.at(-1), `now at ${peer.address}`);
    }
    t.equal(link.moves.length, 2);
    t.end();
  });
}

t.test('nothing but an authentic, newer record moves a peer', (t) => {
  const link = sessions().connect().say('a').say('b');
  const old = link.datagrams('to-server').at(-1)!;
  link.server.input(old, ELSEWHERE, link.now);
  const forged = Buffer.from(old);
  forged.writeUIntBE(forged.readUIntBE(5, 6) + 1, 5, 6);
  link.server.input(forged, ELSEWHERE, link.now);
  t.equal(link.moves.length, 0);
  t.strictSame(link.atServer, ['a', 'b']);
  t.strictSame(link.drops, ['unknown-peer', 'unknown-peer']);
  t.end();
});

t.test('a record that was overtaken by the move is delivered, and moves nothing back', (t) => {
  const link = sessions().connect().say('a');
  const association = link.client.association!;
  association.send(Buffer.from('late'), 0, 4);
  const late = link.datagrams('to-server').at(-1)!;
  link.clientPeer = OTHER_PORT;
  association.send(Buffer.from('new'), 0, 3);
  link.server.input(link.datagrams('to-server').at(-1)!, OTHER_PORT, link.now);
  link.server.input(late, CLIENT, link.now);
  t.strictSame(link.atServer, ['a', 'new', 'late']);
  t.strictSame(link.connected[0]?.peer, OTHER_PORT);
  t.end();
});

t.test('two clients that swap addresses are both followed', (t) => {
  const link = sessions().connect().say('a');
  const one = link.client;
  link.clientPeer = ELSEWHERE;
  const two = link.newClient({ sessionId: Buffer.from('two') });
  link.connect().say('b');
  link.client = one;
  link.clientPeer = ELSEWHERE;
  one.association!.send(Buffer.from('one'), 0, 3);
  link.server.input(link.datagrams('to-server').at(-1)!, ELSEWHERE, link.now);
  two.association!.send(Buffer.from('two'), 0, 3);
  link.server.input(link.datagrams('to-server').at(-1)!, CLIENT, link.now);
  t.strictSame(link.atServer, ['a', 'b', 'one', 'two']);
  t.strictSame(
    link.connected.map((association) => association.peer),
    [ELSEWHERE, CLIENT],
  );
  t.equal(link.server.size, 2);
  t.end();
});

t.test('roaming can be turned off', (t) => {
  const link = new DtlsLink({ server: { roaming: false } }).connect().say('a');
  link.clientPeer = OTHER_PORT;
  link.say('b');
  t.strictSame(link.atServer, ['a']);
  t.end();
});

t.test('records from unknown addresses cost a bounded number of decryptions a second', (t) => {
  const link = sessions().connect().say('a');
  let opened = 0;
  const { records } = link.connected[0] as unknown as { records: { opener: { open: (...a: unknown[]) => number } } };
  const { open } = records.opener;
  records.opener.open = (...args) => {
    opened++;
    return open.apply(records.opener, args);
  };
  const junk = Buffer.from(link.datagrams('to-server').at(-1)!);
  for (let i = 0; i < 10_000; i++) {
    junk.writeUIntBE(100 + i, 5, 6);
    link.server.input(junk, { ...ELSEWHERE, port: 1 + i }, link.now);
  }
  t.ok(opened <= 2000, `${opened} decryptions`);
  t.ok(link.drops.includes('rate-limited'));
  link.clientPeer = ELSEWHERE;
  link.run(link.now + 1000);
  link.say('b');
  t.strictSame(link.atServer, ['a', 'b'], 'a second later a moved client is found again');
  t.end();
});

t.test('a client that moves is found at once while others send junk', (t) => {
  const link = sessions().connect().say('a');
  const junk = Buffer.from(link.datagrams('to-server').at(-1)!);
  for (let i = 0; i < 5000; i++) {
    junk.writeUIntBE(100 + i, 5, 6);
    link.server.input(junk, { ...ELSEWHERE, port: 1 + i }, link.now);
  }
  link.clientPeer = { ...ELSEWHERE, address: '192.0.2.99' };
  link.say('b');
  t.strictSame(link.atServer, ['a', 'b']);
  t.ok((link.server.stats.roamTrials ?? 0) < 20, `${link.server.stats.roamTrials} decryptions`);
  t.end();
});

t.test('many clients that move behind one new address at once are all found', (t) => {
  const link = sessions().connect();
  const clients = [link.client];
  for (let i = 1; i < 50; i++) {
    link.clientPeer = { ...CLIENT, port: 6000 + i };
    clients.push(link.newClient({ sessionId: Buffer.from(`s${i}`) }));
    link.connect();
  }
  for (const [i, client] of clients.entries()) {
    link.clientPeer = { ...ELSEWHERE, port: 7000 + i };
    link.client = client;
    client.association!.send(Buffer.from('x'), 0, 1);
    link.server.input(link.datagrams('to-server').at(-1)!, link.clientPeer, link.now);
  }
  t.equal(link.moves.length, 50);
  t.end();
});

t.test('handshakes and associations are limited in number', (t) => {
  const link = new DtlsLink({ server: { maxHandshakes: 3, maxAssociations: 4 } });
  link.connect();
  const hello = Buffer.from(link.datagrams('to-server')[0]!);
  for (let i = 0; i < 5; i++) {
    hello[30] = i;
    link.server.input(hello, { ...ELSEWHERE, port: 1 + i }, link.now);
  }
  t.equal(link.server.handshakes, 3);
  t.strictSame(link.drops, ['full', 'full']);
  t.end();
});
