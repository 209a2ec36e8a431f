import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { DtlsPeer } from '../../src/dtls/association/types.ts';
import { CLIENT, DtlsLink, type LinkOptions, SERVER } from '../support/dtls-link.ts';
import { skipUnless } from '../support/interop.ts';

const RAW_IP = 101;

/** A capture file of UDP datagrams over IPv4. */
function pcap(packets: { from: DtlsPeer; to: DtlsPeer; datagram: Buffer }[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65_535, 16);
  header.writeUInt32LE(RAW_IP, 20);
  const parts = [header];
  packets.forEach(({ from, to, datagram }, index) => {
    const packet = Buffer.alloc(28 + datagram.length);
    packet.writeUInt16BE(0x4500, 0);
    packet.writeUInt16BE(packet.length, 2);
    packet.writeUInt16BE(0x4011, 8);
    Buffer.from(from.address.split('.').map(Number)).copy(packet, 12);
    Buffer.from(to.address.split('.').map(Number)).copy(packet, 16);
    packet.writeUInt16BE(from.port, 20);
    packet.writeUInt16BE(to.port, 22);
    packet.writeUInt16BE(8 + datagram.length, 24);
    datagram.copy(packet, 28);
    const record = Buffer.alloc(16);
    record.writeUInt32LE(index, 0);
    record.writeUInt32LE(packet.length, 8);
    record.writeUInt32LE(packet.length, 12);
    parts.push(record, packet);
  });
  return Buffer.concat(parts);
}

const master = Buffer.alloc(48, 7);
const suite = 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256';
// tshark 4.0 decrypts neither ChaCha20-Poly1305 in DTLS nor the ECDHE-PSK suites with AES-GCM: those are for OpenSSL and
// GnuTLS to judge.
const modes: [string, LinkOptions][] = [
  ['PSK with AES-256-GCM', {}],
  ['PSK with AES-128-GCM', { client: { cipherSuites: ['TLS_PSK_WITH_AES_128_GCM_SHA256'] } }],
  [
    'resumption',
    {
      credentials: { kind: 'resume', masterSecret: master, cipherSuite: suite, context: '' },
      client: {
        credentials: { kind: 'resume', masterSecret: master, sessionId: Buffer.alloc(32, 1), cipherSuite: suite },
      },
    },
  ],
];

t.test('Wireshark decrypts a capture with our key log', { skip: skipUnless({ programs: ['tshark'] }) }, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'tunnelite-dtls-'));
  t.teardown(() => rm(directory, { recursive: true }));
  for (const [name, options] of modes) {
    const link = new DtlsLink(options).connect().say('from the client').answer('from the server');
    const capture = pcap(
      link.sent.map(({ direction, datagram }) =>
        direction === 'to-server' ? { from: CLIENT, to: SERVER, datagram } : { from: SERVER, to: CLIENT, datagram },
      ),
    );
    const [file, keys] = [join(directory, 'capture.pcap'), join(directory, 'keys.log')];
    await writeFile(file, capture);
    await writeFile(keys, `${link.keylog.join('\n')}\n`);
    const args = ['-r', file, '-o', `tls.keylog_file:${keys}`, '-d', `udp.port==${SERVER.port},dtls`, '-x'];
    const out = execFileSync('tshark', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    t.match(out, /Decrypted DTLS.*from the client.*from the server/s, name);
  }
});
