import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { systemClock } from '../../src/lib/clock.ts';
import { seededRandom } from '../../src/lib/random.ts';
import type { TcpFlow } from '../../src/netstack/index.ts';
import { Impairment, type ImpairmentProfile } from '../../test/support/impairment.ts';
import { KERNEL_V4, KernelLab, STACK_V4 } from '../../test/support/kernel-lab.ts';
import { Namespace } from '../../test/support/namespace.ts';
import { Tun } from '../../test/support/tun.ts';
import { ownCpuSeconds } from '../lib/cpu.ts';

/*
 * node bench/netstack/kernel.ts [seconds] [clean | bad]        needs root
 *
 * The stack with the Linux kernel as its peer, through a TUN device: how fast it is on a clean path, and how well it does as a sender on
 * a bad one, beside the kernel's own sender on a path of the same kind at the same time.
 */

const SECONDS = Number(process.argv[2] ?? 5);
const ONLY = process.argv[3];
const BAD_SECONDS = 2 * SECONDS;

const sender = (address: string) => `import socket,time
s=socket.create_connection(('${address}',9)); b=b'x'*(1<<18); e=time.time()+${SECONDS}
while time.time()<e: s.sendall(b)
s.close()`;

/** Counts for a time what it is sent; prints bytes a second. */
const receiver = (address: string, seconds: number) => `import socket,time
l=socket.create_server(('${address}',9)); print('ready',flush=True)
c,_=l.accept(); b=bytearray(1<<18); n=0; s=time.time(); c.settimeout(5)
while time.time()-s<${seconds}:
    k=c.recv_into(b)
    if not k: break
    n+=k
print(n/(time.time()-s),flush=True)`;

/** On a machine with other work the second figure tells more: what one core that is ours alone would carry. */
async function report(name: string, target: number, measure: () => Promise<number>): Promise<void> {
  const wall = performance.now();
  const cpu = ownCpuSeconds();
  const gigabits = await measure();
  // The share of the measured time that this process had; setting up and taking down are short beside it.
  const share = Math.min(1, ((ownCpuSeconds() - cpu) * 1000) / (performance.now() - wall));
  console.log(
    `${name.padEnd(44)}${gigabits.toFixed(2).padStart(8)} Gbit/s  target ${target}: ${gigabits >= target ? 'met' : 'MISSED'}` +
      `  (${(gigabits / share).toFixed(2)} a CPU second)`,
  );
}

async function up(duplex: boolean): Promise<number> {
  let bytes = 0;
  let first = 0;
  let last = 0;
  const count = (chunk: Buffer): void => {
    last = performance.now();
    first ||= last;
    bytes += chunk.length;
  };
  await using lab = await KernelLab.create({
    stack: {
      onTcp: (request) => {
        const flow = request.accept();
        if (duplex) {
          flow
            .toDuplex()
            .on('error', () => {})
            .on('data', count);
          return;
        }
        flow.handler = {
          onData: (chunk) => {
            count(chunk);
            flow.consumed(chunk.length);
          },
          onEnd: () => flow.end(),
          onClose: () => {},
        };
      },
    },
  });
  await lab.namespace.output('python3', ['-c', sender(STACK_V4)]);
  return (bytes * 8) / ((last - first) / 1000) / 1e9;
}

const BLOCK = Buffer.alloc(65_536, 0x61);

/** Sends for as long as the peer takes. */
function pump(flow: TcpFlow): void {
  let open = true;
  const write = (): void => {
    while (open && flow.write(BLOCK));
  };
  flow.handler = {
    onConnect: write,
    onDrain: write,
    onData: (chunk) => flow.consumed(chunk.length),
    onClose: () => {
      open = false;
    },
  };
}

async function listening(namespace: Namespace, address: string, seconds: number) {
  const child = namespace.spawn('python3', ['-c', receiver(address, seconds)]);
  await once(child.stdout!, 'data');
  const rate = new Promise<number>((resolve) => {
    let text = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    child.once('close', () => resolve(Number(text.trim())));
  });
  return { rate };
}

async function down(duplex: boolean): Promise<number> {
  await using lab = await KernelLab.create();
  const { rate } = await listening(lab.namespace, KERNEL_V4, SECONDS);
  const flow = lab.stack.connect({ localAddress: STACK_V4, remoteAddress: KERNEL_V4, remotePort: 9 });
  if (duplex) {
    const stream = flow.toDuplex();
    let open = true;
    stream
      .on('error', () => {})
      .on('close', () => {
        open = false;
      });
    const write = (): void => {
      while (open && stream.write(BLOCK));
    };
    stream.on('drain', write);
    write();
  } else pump(flow);
  return ((await rate) * 8) / 1e9;
}

async function stackSends(impairment: ImpairmentProfile, seed: number): Promise<number> {
  await using lab = await KernelLab.create({ impairment, seed });
  const { rate } = await listening(lab.namespace, KERNEL_V4, BAD_SECONDS);
  pump(lab.stack.connect({ localAddress: STACK_V4, remoteAddress: KERNEL_V4, remotePort: 9 }));
  return await rate;
}

/** Two kernels, and the same bad path between them. */
async function kernelSends(profile: ImpairmentProfile, seed: number): Promise<number> {
  const clock = systemClock;
  await using left = Namespace.create('left');
  await using right = Namespace.create('right');
  const tuns: { left?: Tun; right?: Tun } = {};
  const toLeft = new Impairment(profile, {
    clock,
    random: seededRandom(seed),
    deliver: (packet, offset, length) => void tuns.left?.write(packet, offset, length),
  });
  const toRight = new Impairment(profile, {
    clock,
    random: seededRandom(seed + 1),
    deliver: (packet, offset, length) => void tuns.right?.write(packet, offset, length),
  });
  const make = (namespace: Namespace, own: string, other: string, path: Impairment) =>
    Tun.open(namespace, {
      mtu: 1400,
      addresses: [`${own}/24`],
      routes: [`${other}/32`],
      onPacket: (buffer, offset, length) => path.send(buffer, offset, length),
      onBatchEnd: () => {},
    });
  tuns.left = await make(left, KERNEL_V4, STACK_V4, toRight);
  tuns.right = await make(right, STACK_V4, KERNEL_V4, toLeft);
  const { rate } = await listening(left, KERNEL_V4, BAD_SECONDS);
  right.spawn('python3', [
    '-c',
    // The algorithm of our own stack; machines differ in their default, and BBR does not take loss for congestion.
    `import socket
s=socket.socket(); s.setsockopt(socket.IPPROTO_TCP,socket.TCP_CONGESTION,b'cubic')
s.connect(('${KERNEL_V4}',9)); b=b'x'*(1<<18)
try:
    while True: s.sendall(b)
except OSError: pass`,
  ]);
  const result = await rate;
  toLeft.close();
  toRight.close();
  await tuns.left.close();
  await tuns.right.close();
  return result;
}

async function beside(name: string, profile: ImpairmentProfile, target: number): Promise<void> {
  // Eight pairs at the same time, for a single run on such a path says little.
  const seeds = [11, 22, 33, 44, 55, 66, 77, 88];
  const [ours, kernels] = await Promise.all([
    Promise.all(seeds.map((seed) => stackSends(profile, seed))),
    Promise.all(seeds.map((seed) => kernelSends(profile, seed))),
  ]);
  const mean = (rates: number[]): number => rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const ratio = mean(ours) / mean(kernels);
  const megabits = (rates: number[]): string => ((mean(rates) * 8) / 1e6).toFixed(1);
  console.log(
    `${name.padEnd(44)}${ratio.toFixed(2).padStart(8)} x kernel  target ${target}: ${ratio >= target ? 'met' : 'MISSED'}` +
      `  (${megabits(ours)} and ${megabits(kernels)} Mbit/s)`,
  );
}

if (process.getuid?.() !== 0 || !existsSync('/dev/net/tun')) {
  console.log('This benchmark needs root and /dev/net/tun; nothing was measured.');
  process.exit(1);
}
console.log(
  `netstack with the kernel as peer, through TUN, MTU 1400; node ${process.version}, load ${loadavg()[0]!.toFixed(1)} on ${cpus().length} cores`,
);
if (ONLY !== 'bad') {
  await report('up (the kernel sends), Duplex', 2, () => up(true));
  await report('up (the kernel sends), callbacks', 2, () => up(false));
  await report('down (the stack sends), Duplex', 1.5, () => down(true));
  await report('down (the stack sends), callbacks', 1.5, () => down(false));
}
if (ONLY !== 'clean') {
  await beside('sending at 1 % loss, 20 ms round trip', { loss: 0.01, delay: 10 }, 1);
  await beside('sending under 5 % reorder, 20 ms round trip', { reorder: 0.05, reorderDelay: 4, delay: 10 }, 0.5);
}
process.exit(0);
