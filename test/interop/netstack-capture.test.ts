import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { pcapngHeader, pcapngPacket } from '../../src/wire/pcapng.ts';
import type { ImpairmentProfile } from '../support/impairment.ts';
import { skipUnless } from '../support/interop.ts';
import { KERNEL_V4, KernelLab, STACK_V4, STACK_V6 } from '../support/kernel-lab.ts';
import { run } from '../support/namespace.ts';

const skip = skipUnless({ programs: ['ip', 'python3', 'ping', 'tshark'], namespaces: true, tun: true });

/** Wireshark trusts checksums unless told not to. */
const CHECKED = ['ip', 'tcp', 'udp'].flatMap((protocol) => ['-o', `${protocol}.check_checksum:TRUE`]);

/** What of ours Wireshark must have nothing to say against. */
const BAD = [
  '_ws.malformed',
  '_ws.unreassembled',
  'ip.checksum.status == "Bad"',
  'tcp.checksum.status == "Bad"',
  'udp.checksum.status == "Bad"',
  'icmp.checksum.status == "Bad"',
  'icmpv6.checksum.status == "Bad"',
  '_ws.expert.severity == "Error"',
].join(' || ');

/** Does all that makes a stack send packets of each kind. */
const TALK = `import socket,struct,threading,sys
def echo(a,n):
    s=socket.create_connection((a,7)); d=b'0123456789'*(n//10)
    t=threading.Thread(target=lambda:(s.sendall(d),s.shutdown(socket.SHUT_WR))); t.start()
    g=b''.join(iter(lambda:s.recv(65536),b'')); t.join(); assert g==d
echo('${STACK_V4}',N); echo('${STACK_V6}',N)
for a,f in (('${STACK_V4}',socket.AF_INET),('${STACK_V6}',socket.AF_INET6)):
    for n in (0,1,11,1000,8000):
        u=socket.socket(f,socket.SOCK_DGRAM); u.settimeout(0.3)
        for i in range(20):
            try: u.sendto(b'x'*n,(a,4053)); assert u.recv(65536)==b'x'*n; break
            except socket.timeout: pass
        else: raise Exception('no answer of %d bytes'%n)
    c=socket.socket(f,socket.SOCK_DGRAM); c.settimeout(0.2); c.connect((a,9))
    for i in range(9):
        try: c.send(b'nobody'); c.recv(1)
        except socket.timeout: continue
        except OSError: break
    s=socket.socket(f); s.settimeout(5)
    assert s.connect_ex((a,9))!=0
    s=socket.create_connection((a,7)); s.sendall(b'x'); s.setsockopt(socket.SOL_SOCKET,socket.SO_LINGER,struct.pack('ii',1,0)); s.close()
print('done')`;

async function capture(t: Test, impairment: ImpairmentProfile, bytes: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'tunnelite-capture-'));
  const blocks: Buffer[] = [pcapngHeader('Tunnelite tests', ['stack'])];
  const started = Date.now() - performance.now();
  const lab = await KernelLab.create({
    impairment,
    stack: {
      tap: (direction, buffer, offset, length) => {
        const packet = buffer.subarray(offset, offset + length);
        blocks.push(pcapngPacket({ time: started + performance.now(), bytes: packet, direction }));
      },
      onTcp: (request) => {
        if (request.localPort !== 7) return request.refuse();
        const stream = request.accept().toDuplex();
        stream.on('error', () => {});
        stream.pipe(stream);
      },
      onUdp: (request) => {
        if (request.localPort !== 4053) return request.refuse();
        const flow = request.accept((payload, address, port) => {
          queueMicrotask(() => flow.send(payload, address, port));
        });
      },
    },
  });
  t.teardown(async () => {
    await lab[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });
  const talk = await lab.namespace.output('python3', ['-c', TALK.replaceAll('N)', `${bytes})`)]);
  t.equal(talk.stdout.toString().trim(), 'done', talk.stderr);
  for (const address of [STACK_V4, STACK_V6]) {
    for (const size of ['0', '56', '4000']) {
      await lab.namespace.output('ping', ['-c', '2', '-i', '0.05', '-W', '1', '-s', size, address]);
    }
  }
  // And with the stack as the client of the kernel.
  const server = lab.namespace.spawn('python3', [
    '-c',
    `import socket
l=socket.create_server(('${KERNEL_V4}',7)); print('ready',flush=True)
c,_=l.accept()
for b in iter(lambda:c.recv(65536),b''): c.sendall(b)
c.shutdown(socket.SHUT_WR)`,
  ]);
  await once(server.stdout!, 'data');
  const stream = lab.stack.connect({ localAddress: STACK_V4, remoteAddress: KERNEL_V4, remotePort: 7 }).toDuplex();
  const data = randomBytes(bytes);
  stream.end(data);
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk as Buffer);
  t.equal(hash.digest('hex'), createHash('sha256').update(data).digest('hex'));
  const file = join(folder, 'capture.pcapng');
  writeFileSync(file, Buffer.concat(blocks));
  return file;
}

/** What tshark prints for the packets that a filter finds, one a line. */
function tshark(file: string, filter: string, fields: readonly string[] = []): string[] {
  const columns = fields.length > 0 ? ['-T', 'fields', ...fields.flatMap((field) => ['-e', field])] : [];
  const out = run('tshark', ['-r', file, ...CHECKED, '-Y', filter, ...columns], { maxBuffer: 256 * 1024 * 1024 });
  return out.split('\n').filter((line) => line !== '');
}

const FIELDS = [
  'ip.version',
  'ipv6.version',
  'tcp.checksum.status',
  'udp.checksum.status',
  'icmp.checksum.status',
  'icmpv6.checksum.status',
  'icmp.type',
  'icmpv6.type',
  'tcp.flags.reset',
  'tcp.options.sack_perm',
  'tcp.options.timestamp.tsval',
  'ip.reassembled.length',
  'ipv6.reassembled.length',
] as const;
type Fields = Partial<Record<(typeof FIELDS)[number], string>>;

/** Kinds of packets that a capture must hold, with checksums that tshark found good. */
const KINDS: Readonly<Record<string, (fields: Fields) => boolean>> = {
  'TCP over IPv4': (f) => f['ip.version'] === '4' && f['tcp.checksum.status'] === '1',
  'TCP over IPv6': (f) => f['ipv6.version'] === '6' && f['tcp.checksum.status'] === '1',
  'the SACK option': (f) => f['tcp.options.sack_perm'] !== '',
  'the timestamp option': (f) => f['tcp.options.timestamp.tsval'] !== '',
  resets: (f) => f['tcp.flags.reset'] === '1' && f['tcp.checksum.status'] === '1',
  'UDP over IPv4': (f) => f['ip.version'] === '4' && f['udp.checksum.status'] === '1',
  'UDP over IPv6': (f) => f['ipv6.version'] === '6' && f['udp.checksum.status'] === '1',
  'fragments of IPv4 that can be put together': (f) => Number(f['ip.reassembled.length']) > 4000,
  'fragments of IPv6 that can be put together': (f) => Number(f['ipv6.reassembled.length']) > 4000,
  'destination unreachable': (f) => f['icmp.type'] === '3' && f['icmp.checksum.status'] === '1',
  'destination unreachable over IPv6': (f) => f['icmpv6.type'] === '1' && f['icmpv6.checksum.status'] === '1',
  'echo replies': (f) => f['icmp.type'] === '0' && f['icmp.checksum.status'] === '1',
  'echo replies over IPv6': (f) => f['icmpv6.type'] === '129' && f['icmpv6.checksum.status'] === '1',
};

t.test('Wireshark finds nothing wrong with what the stack sends', { skip, jobs: 1, timeout: 240_000 }, async (t) => {
  for (const [name, impairment, bytes] of [
    ['a clean path', {}, 400_000],
    ['a path that loses, reorders and doubles', { loss: 0.02, reorder: 0.03, duplicate: 0.02, delay: 1 }, 400_000],
  ] as const) {
    t.test(`over ${name}`, { timeout: 120_000 }, async (t) => {
      const file = await capture(t, impairment, bytes);
      const ours = 'frame.packet_flags_direction == 2';
      t.strictSame(tshark(file, `${ours} && (${BAD})`).slice(0, 20), []);
      // A judge that saw nothing has not judged.
      const packets = tshark(file, ours, FIELDS).map(
        (line) => Object.fromEntries(line.split('\t').map((value, i) => [FIELDS[i]!, value])) as Fields,
      );
      for (const [kind, is] of Object.entries(KINDS)) t.ok(packets.some(is), `there are ${kind}`);
    });
  }
});
