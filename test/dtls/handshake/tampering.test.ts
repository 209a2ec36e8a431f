import t from 'tap';
import { handshakeMessage } from '../../../src/dtls/handshake/handshake-message.ts';
import { keyBlock } from '../../../src/dtls/handshake/key-schedule.ts';
import { cipherSuite } from '../../../src/dtls/protocol/cipher-suites.ts';
import { nodeRecordProtection } from '../../../src/dtls/record/node-record-protection.ts';
import { CLIENT, type Direction, DtlsLink, type LinkOptions, plainRecord, recordsOf } from '../../support/dtls-link.ts';

const RESUME = {
  kind: 'resume',
  masterSecret: Buffer.alloc(48, 7),
  cipherSuite: 'TLS_RSA_WITH_AES_256_GCM_SHA384',
} as const;
const resume: LinkOptions = {
  credentials: { ...RESUME, context: '' },
  client: { credentials: { ...RESUME, sessionId: Buffer.alloc(32, 1) } },
};

/** Without extended_master_secret the keys do not depend on the hellos, so that only Finished shows a change. */
const full: LinkOptions = { client: { extendedMasterSecret: false } };

/** Puts another record_size_limit into the first hello of a direction, as somebody on the path could. */
function changesHello(towards: Direction) {
  return (direction: Direction, index: number, datagram: Buffer): readonly number[] => {
    if (direction === towards && index === 0) {
      const at = datagram.indexOf(Buffer.from('001c00024000', 'hex'));
      if (at < 0) throw new Error('there is no record_size_limit of 16,384');
      datagram.writeUInt16BE(0x0200, at + 4);
    }
    return [1];
  };
}

for (const [name, options, towards, judge] of [
  ['a full handshake', full, 'to-server', 'server'],
  ['a full handshake', full, 'to-client', 'server'],
  ['an abbreviated handshake', resume, 'to-server', 'client'],
  ['an abbreviated handshake', resume, 'to-client', 'client'],
] as const) {
  t.test(`${name} whose hello ${towards} was changed on the way fails at the ${judge}`, async (t) => {
    const link = new DtlsLink({ ...options, fate: changesHello(towards) });
    link.client.start(0);
    link.run(1000);
    const ended = { reason: 'handshake-failed', details: { alert: 'decrypt_error', explanation: /does not match/ } };
    t.match((judge === 'server' ? link.failed : link.clientClosed)[0], ended);
    t.equal(link.connected.length, 0);
    t.equal(link.client.association, undefined);
  });
}

t.test('each side seals with the keys that RFC 5246 §6.3 gives it', async (t) => {
  const link = new DtlsLink().connect().say('ping').answer('pong');
  const [, random, secret] = link.keylog[0]!.split(' ').map((text) => Buffer.from(text, 'hex'));
  const hello = recordsOf(link.datagrams('to-client')[0]!)[0]!.body;
  const suite = cipherSuite(link.connected[0]!.cipherSuite);
  const keys = keyBlock(suite, secret!, random!, hello.subarray(14, 46));
  for (const [direction, own, others, text] of [
    ['to-server', keys.client, keys.server, 'ping'],
    ['to-client', keys.server, keys.client, 'pong'],
  ] as const) {
    const record = link.datagrams(direction).at(-1)!;
    const opener = nodeRecordProtection.createOpener(suite, own)!;
    t.equal(opener.open(record, 0, record.length - 13), 4, direction);
    t.equal(opener.plaintext.toString('latin1', opener.plaintextOffset, opener.plaintextOffset + 4), text);
    t.equal(nodeRecordProtection.createOpener(suite, others)!.open(record, 0, record.length - 13), -1);
  }
});

/** A server that has answered a ClientHello, and the client's next flight: in the clear, and its Finished. */
function beforeReply(): { link: DtlsLink; clear: Buffer; finished: Buffer } {
  const link = new DtlsLink({ fate: () => [] });
  link.client.start(0);
  link.server.input(link.datagrams('to-server')[0]!, CLIENT, 0);
  link.client.input(link.datagrams('to-client')[0]!, 0);
  const flight = link.datagrams('to-server')[1]!;
  const split = flight.length - 61;
  return { link, clear: flight.subarray(0, split), finished: flight.subarray(split) };
}

/** A record of epoch 1 that nobody can open. */
function early(type: number, length: number): Buffer {
  const record = plainRecord(type, 1, Buffer.alloc(length - 13));
  record.writeUInt16BE(1, 3);
  return record;
}

t.test('of a datagram that overtakes the keys, only the handshake is kept', async (t) => {
  const { link, clear, finished } = beforeReply();
  link.server.input(Buffer.concat([early(23, 60), finished, early(23, 60)]), CLIENT, 1);
  t.strictSame(link.drops, ['epoch', 'epoch'], 'the data is not');
  link.server.input(clear, CLIENT, 2);
  t.equal(link.server.size, 1);
  t.strictSame(link.drops, ['epoch', 'epoch'], 'and does not come back');
});

t.test('two early records of 512 bytes are kept, and no others', async (t) => {
  for (const [what, records, connects] of [
    ['one before it', [early(22, 512)], true],
    ['one before it that is too long', [early(22, 513)], true],
    ['two before it', [early(22, 512), early(22, 512)], false],
    ['two before it that are too long', [early(22, 513), early(22, 513)], true],
  ] as const) {
    const { link, clear, finished } = beforeReply();
    for (const record of [...records, finished]) link.server.input(record, CLIENT, 1);
    link.server.input(clear, CLIENT, 2);
    t.equal(link.server.size, connects ? 1 : 0, what);
  }
});

t.test('a ServerHelloDone that has a body is refused', async (t) => {
  const link = new DtlsLink({ fate: () => [] });
  link.client.start(0);
  link.server.input(link.datagrams('to-server')[0]!, CLIENT, 0);
  const [hello] = recordsOf(link.datagrams('to-client')[0]!);
  link.client.input(plainRecord(22, 0, hello!.body), 1);
  link.client.input(plainRecord(22, 1, handshakeMessage(14, 1, Buffer.alloc(1))), 1);
  t.match(link.clientClosed[0], { details: { alert: 'decode_error', explanation: /ServerHelloDone/ } });
});
