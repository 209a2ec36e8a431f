import t from 'tap';
import type { DropReason } from '../../../src/dtls/association/types.ts';
import { nodeRecordProtection } from '../../../src/dtls/record/node-record-protection.ts';
import type { RecordProtection } from '../../../src/dtls/record/record-protection.ts';
import { CLIENT, DtlsLink, PSK, plainRecord, recordsOf } from '../../support/dtls-link.ts';

/** The part of a client's association that seals records, to make some that no client sends. */
interface Inside {
  readonly records: {
    write(out: Buffer, at: number, type: number, epoch: 1, body: Buffer, offset: number, length: number): number;
  };
}

/** A record under the keys of the client. */
function sealed(link: DtlsLink, type: number, body: Buffer): Buffer {
  const out = Buffer.alloc(13 + 24 + body.length);
  const { records } = link.client.association as unknown as Inside;
  return out.subarray(0, records.write(out, 0, type, 1, body, 0, body.length));
}

/** The last record that the client sent, with some bytes changed. */
function changed(link: DtlsLink, change: (record: Buffer) => void): Buffer {
  const record = Buffer.from(link.datagrams('to-server').at(-1)!);
  change(record);
  return record;
}

const JUNK: Readonly<Record<string, readonly [reason: DropReason, make: (link: DtlsLink) => Buffer]>> = {
  'a record that came before': ['replayed', (link) => changed(link, () => {})],
  'a forged record': ['not-authentic', (link) => changed(link, (record) => record.writeUIntBE(1000, 5, 6))],
  'a record of an epoch to come': ['epoch', (link) => changed(link, (record) => record.writeUInt16BE(2, 3))],
  'a record in the clear, after the handshake': ['epoch', () => plainRecord(23, 9, Buffer.from('clear'))],
  'a record longer than its datagram': [
    'malformed',
    (link) => changed(link, (record) => record.writeUInt16BE(999, 11)),
  ],
  'a record of another major version': ['malformed', (link) => changed(link, (record) => record.writeUInt8(3, 1))],
  'an authentic record of no known type': ['unexpected', (link) => sealed(link, 24, Buffer.from('heartbeat'))],
  'an alert of three bytes': ['malformed', (link) => sealed(link, 21, Buffer.from([2, 40, 0]))],
};

for (const [what, [reason, make]] of Object.entries(JUNK)) {
  t.test(`${what} is dropped as "${reason}", and the association lives on`, async (t) => {
    const link = new DtlsLink({ server: { roaming: false } }).connect().say('a');
    const { stats } = link.connected[0]!;
    const counted = { ...stats };
    t.strictSame(link.drops, []);
    link.server.input(make(link), CLIENT, link.now);
    t.strictSame(link.drops.slice(0, 1), [reason]);
    t.equal(link.server.stats[reason], 1);
    t.equal(stats.replayed - counted.replayed, reason === 'replayed' ? 1 : 0);
    t.equal(stats.notAuthentic - counted.notAuthentic, reason === 'not-authentic' ? 1 : 0);
    link.say('b');
    t.strictSame(link.atServer, ['a', 'b']);
  });
}

t.test('a repeated Finished gets the last flight again, and another hello is refused with a warning', async (t) => {
  const link = new DtlsLink().connect();
  const before = link.datagrams('to-client').length;
  link.run(link.now + 200);
  const [hello] = recordsOf(link.datagrams('to-server')[0]!);
  link.server.input(sealed(link, 22, hello!.body), CLIENT, link.now);
  const answers = link.datagrams('to-client').slice(before);
  t.strictSame(
    answers.map((datagram) => recordsOf(datagram).map(({ type, epoch }) => [type, epoch])),
    [[[21, 1]]],
    'one alert for a new handshake, before any data',
  );
  const finished = Buffer.alloc(12 + 12);
  finished.writeUInt8(20, 0);
  finished.writeUIntBE(12, 1, 3);
  finished.writeUInt16BE(3, 4);
  finished.writeUIntBE(12, 9, 3);
  link.server.input(sealed(link, 22, finished), CLIENT, link.now);
  t.strictSame(
    recordsOf(link.datagrams('to-client').at(-1)!).map(({ type, epoch }) => [type, epoch]),
    [
      [20, 0],
      [22, 1],
    ],
    'ChangeCipherSpec and Finished for the same',
  );
  t.equal(link.datagrams('to-client').length, before + 2);
});

t.test('datagrams are built in the memory of the caller', async (t) => {
  const room = Buffer.alloc(4096);
  const asked: number[] = [];
  const memory = { buffer: room, offset: 7, reserve: (length: number) => void asked.push(length) };
  const link = new DtlsLink({
    server: { memory },
    fate: (direction, _index, datagram) => {
      if (direction === 'to-client') t.ok(room.subarray(7, 7 + datagram.length).equals(datagram));
      return [1];
    },
  });
  link.connect().say('a').answer('b');
  t.strictSame([link.atServer, link.atClient], [['a'], ['b']]);
  t.equal(asked.length, link.datagrams('to-client').length, 'room was asked for each');
});

t.test('the keys of both directions are freed when an association ends', async (t) => {
  let live = 0;
  const counted = <T extends { free(): void }>(keys: T | undefined): T => {
    live++;
    return Object.assign(keys!, { free: () => void live-- });
  };
  const protection: RecordProtection = {
    createSealer: (...of) => counted(nodeRecordProtection.createSealer(...of)),
    createOpener: (...of) => counted(nodeRecordProtection.createOpener(...of)),
  };
  const link = new DtlsLink({ server: { protection } }).connect().say('a');
  t.equal(live, 2);
  link.client.close();
  link.run(link.now + 10);
  t.equal(link.server.size, 0);
  t.equal(live, 0);
});

t.test('not even one millisecond in which nobody listened counts against a handshake', async (t) => {
  const silent = (late: number): boolean => {
    const link = new DtlsLink({ fate: () => [], client: { handshakeTimeout: 1000 } });
    link.client.start(0);
    link.client.tick(1000, late);
    return link.client.closed;
  };
  t.equal(silent(0), true);
  t.equal(silent(1), false);
});

t.test('what is left of an association at an address is a handshake that goes on', async (t) => {
  const link = new DtlsLink({
    server: {
      lookup: (hello) => {
        const id = hello.sessionId.toString('latin1');
        return { kind: 'psk', key: PSK, context: id, session: id };
      },
    },
    client: { sessionId: Buffer.from('one') },
  });
  link.connect().say('a');
  const first = link.connected[0]!;
  const second = link.newClient({ sessionId: Buffer.from('two') });
  second.start(link.now);
  link.run(link.now + 1, () => link.server.handshakes === 1);
  t.equal(link.server.handshakes, 1);
  first.close();
  link.run(link.now + 100);
  t.strictSame(
    link.connected.map(({ context }) => context),
    ['one', 'two'],
  );
  link.say('b');
  t.strictSame(link.atServer, ['a', 'b']);
});

t.test('of two clients behind one address, one stays known when the other leaves', async (t) => {
  const link = new DtlsLink({ server: { roaming: false } }).connect().say('a');
  const stays = link.client;
  link.clientPeer = { ...CLIENT, port: CLIENT.port + 1 };
  link.newClient();
  link.connect().say('b');
  t.equal(link.server.size, 2);
  link.connected[1]!.close();
  t.equal(link.server.size, 1);
  link.client = stays;
  link.clientPeer = CLIENT;
  link.say('c');
  t.strictSame(link.atServer, ['a', 'b', 'c']);
});

t.test('a fatal alert about the keys during a handshake tells of another key, and no other alert does', async (t) => {
  for (const [code, alert, otherKey] of [
    [20, 'bad_record_mac', true],
    [51, 'decrypt_error', true],
    [40, 'handshake_failure', undefined],
    [77, 'alert 77', undefined],
  ] as const) {
    const link = new DtlsLink({ fate: () => [] });
    link.client.start(0);
    link.client.input(plainRecord(21, 0, Buffer.from([2, code])), 1);
    t.match(link.clientClosed, [{ reason: 'alert', details: { alert } }]);
    t.equal(link.clientClosed[0]!.details.otherKey, otherKey, alert);
  }
  const warned = new DtlsLink({ fate: () => [] });
  warned.client.start(0);
  warned.client.input(plainRecord(21, 0, Buffer.from([1, 90])), 1);
  t.equal(warned.client.closed, false, 'a warning ends nothing');
});
