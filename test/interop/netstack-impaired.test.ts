import { createHash, randomBytes } from 'node:crypto';
import t from 'tap';
import type { ImpairmentProfile } from '../support/impairment.ts';
import { skipUnless } from '../support/interop.ts';
import { KERNEL_V4, KernelLab, STACK_V4 } from '../support/kernel-lab.ts';

t.setTimeout(900_000);

const skip = skipUnless({ programs: ['ip', 'python3'], namespaces: true, tun: true });

/** Bytes echoed in each run; the whole 20 MB with TUNNELITE_FULL=1. */
const full = process.env['TUNNELITE_FULL'] === '1';
const SIZE = full ? 20_000_000 : 2_000_000;

const profiles: Record<string, ImpairmentProfile> = {
  'a clean path': {},
  '2 % loss': { loss: 0.02, delay: 2 },
  'bursts of loss': { burst: { enter: 0.003, leave: 0.3, loss: 0.8 }, delay: 2 },
  reordering: { reorder: 0.05, reorderDelay: 4, delay: 2 },
  duplication: { duplicate: 0.05, delay: 1 },
  corruption: { corrupt: 0.01, delay: 1 },
  'delay and jitter': { delay: 10, jitter: 8 },
  'a slow link': { rate: 40_000_000, queue: 60, delay: 5 },
  '5 % loss, 3 % reordering, 1 % corruption': { loss: 0.05, reorder: 0.03, reorderDelay: 5, corrupt: 0.01, delay: 2 },
};

/** Echoes what it is sent, and says with its exit code whether the connection ended well. */
const ECHO_CLIENT = `
import socket,sys,threading,hashlib
d=sys.stdin.buffer.read()
s=socket.create_connection(('${STACK_V4}',7),timeout=120)
def w():
    s.sendall(d); s.shutdown(socket.SHUT_WR)
t=threading.Thread(target=w); t.start()
h=hashlib.sha256(); n=0
for b in iter(lambda:s.recv(1<<18),b''):
    h.update(b); n+=len(b)
t.join(); print(n,h.hexdigest())`;

const ECHO_SERVER = `
import socket,sys
l=socket.create_server(('${KERNEL_V4}',9000)); print('ready',flush=True)
c,_=l.accept(); c.settimeout(120)
while True:
    b=c.recv(1<<18)
    if not b: break
    c.sendall(b)
c.shutdown(socket.SHUT_WR)`;

t.test('bytes are exact between kernel and netstack', { skip, jobs: 1, timeout: 900_000 }, async (t) => {
  for (const [name, impairment] of Object.entries(profiles)) {
    t.test(`over ${name}, the kernel being the client`, { timeout: 300_000 }, async (t) => {
      await using lab = await KernelLab.create({
        impairment,
        stack: {
          onTcp: (request) => {
            const stream = request.accept().toDuplex();
            stream.on('error', () => {});
            stream.pipe(stream);
          },
        },
      });
      const data = randomBytes(SIZE);
      const { stdout, stderr } = await lab.namespace.output('python3', ['-c', ECHO_CLIENT], {
        input: data,
        timeout: 280_000,
      });
      t.equal(stdout.toString().trim(), `${SIZE} ${createHash('sha256').update(data).digest('hex')}`, stderr);
    });

    t.test(`over ${name}, the kernel being the server`, { timeout: 300_000 }, async (t) => {
      await using lab = await KernelLab.create({ impairment, seed: 7 });
      const server = lab.namespace.spawn('python3', ['-c', ECHO_SERVER]);
      await new Promise((resolve) => server.stdout!.once('data', resolve));
      const data = randomBytes(SIZE);
      const stream = lab.stack
        .connect({ localAddress: STACK_V4, remoteAddress: KERNEL_V4, remotePort: 9000 })
        .toDuplex();
      stream.end(data);
      const hash = createHash('sha256');
      let bytes = 0;
      for await (const chunk of stream) {
        hash.update(chunk as Buffer);
        bytes += (chunk as Buffer).length;
      }
      t.equal(bytes, SIZE);
      t.equal(hash.digest('hex'), createHash('sha256').update(data).digest('hex'));
    });
  }

  t.test(
    'over a path whose MTU is smaller than anybody says, and that drops without a word (RFC 4821 §7.7)',
    { timeout: 120_000 },
    async (t) => {
      await using lab = await KernelLab.create({
        stack: {
          onTcp: (request) =>
            void request
              .accept()
              .toDuplex()
              .on('error', () => {})
              .end(Buffer.alloc(200_000, 7)),
        },
      });
      lab.toKernel.profile = { mtu: 1100 };
      const { stdout, stderr } = await lab.namespace.output('python3', ['-c', ECHO_CLIENT], { timeout: 100_000 });
      t.equal(stdout.toString().split(' ')[0], '200000', stderr);
      t.ok(lab.stack.stats()['tcpBlackHoles']! >= 1);
    },
  );

  t.test('with ten thousand connections open at once', { timeout: 240_000 }, async (t) => {
    // Processes hold 500 each, because a process may open a thousand files or so; all hold theirs until all are open.
    const processes = 20;
    const each = 500;
    let open = 0;
    await using lab = await KernelLab.create({
      stack: {
        onTcp: (request) => {
          const stream = request.accept().toDuplex();
          open += 1;
          stream.on('error', () => {});
          stream.pipe(stream);
        },
      },
    });
    const children = Array.from({ length: processes }, (_, i) =>
      lab.namespace.spawn(
        'python3',
        [
          '-c',
          `
import socket,sys
s=[]
for i in range(${each}):
    s.append(socket.create_connection(('10.78.${i}.%d'%(1+i%250),7000+i),timeout=200))
print('open',flush=True); sys.stdin.readline()
for i,c in enumerate(s): c.sendall(b'%08d'%i)
for i,c in enumerate(s): assert c.recv(8,socket.MSG_WAITALL)==b'%08d'%i
for c in s: c.close()`,
        ],
        { stdio: ['pipe', 'pipe', 'inherit'] },
      ),
    );
    const ended = children.map((child) => new Promise((resolve) => child.once('exit', resolve)));
    await Promise.all(children.map((child) => new Promise((resolve) => child.stdout!.once('data', resolve))));
    t.equal(open, processes * each);
    t.equal(lab.stack.stats()['tcpFlows'], processes * each);
    for (const child of children) child.stdin!.end('go\n');
    t.ok(
      (await Promise.all(ended)).every((code) => code === 0),
      'each got its own bytes back',
    );
  });
});
