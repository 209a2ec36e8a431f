import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { systemClock } from '../../src/lib/clock.ts';
import type { TcpConnectRequest } from '../../src/netstack/core/types.ts';
import type { ImpairmentProfile } from '../../test/support/impairment.ts';
import { KernelLab, STACK_V4 } from '../../test/support/kernel-lab.ts';
import { ownCpuSeconds } from '../lib/cpu.ts';
import { inTurns, median, medianAndLeast } from '../lib/figures.ts';

/*
 * node bench/netstack/tun.ts [seconds] [rounds]          (root, /dev/net/tun, python3)
 *
 * The Linux kernel in a namespace on the other side of a TUN device. "up" is what the kernel sends, "down" what it receives.
 * Under loss and reordering the same impaired path is used in both directions, one after the other: the kernel as sender is the peer,
 * with CUBIC as ours has it, whatever the machine's default is (BBR, which does not slow down on loss, is another matter).
 */

const SECONDS = Number(process.argv[2] ?? 4);

const ROUNDS = Number(process.argv[3] ?? 3);

const SINK = 9;
const SOURCE = 19;

const CLIENT = `
import socket, sys, time
mode, address, port, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
s = socket.socket()
if len(sys.argv) > 5: s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, sys.argv[5].encode())
s.settimeout(10)
s.connect((address, port))
s.settimeout(None)
if mode == 'recv':
    n = 0; b = bytearray(1 << 18); start = time.time(); end = start + seconds
    while time.time() < end:
        r = s.recv_into(b)
        if r == 0: break
        n += r
    print(n * 8 / (time.time() - start) / 1e9)
else:
    block = b'x' * (1 << 17); start = time.time(); end = start + seconds
    while time.time() < end: s.send(block)
    s.shutdown(socket.SHUT_WR)
    # The sink answers with how much it had when the stream ended, and when that was.
    print('sent')
`;

interface Measured {
  readonly gigabits: number;
  /** Share of one core that this process used. */
  readonly cores: number;
}

async function measure(
  direction: 'up' | 'down',
  profile: ImpairmentProfile,
  seconds: number,
  congestion?: string,
): Promise<Measured> {
  let received = 0;
  let started = 0;
  let last = 0;
  const block = Buffer.alloc(65_536, 'x');
  const onTcp = (request: TcpConnectRequest): void => {
    const flow = request.accept({ noDelay: true });
    if (request.localPort === SINK) {
      flow.handler = {
        onData: (chunk) => {
          last = systemClock.monotonic();
          if (received === 0) started = last;
          received += chunk.length;
          flow.consumed(chunk.length);
        },
        onEnd: () => flow.end(),
        onClose: () => {},
      };
      return;
    }
    const pump = (): void => {
      while (flow.write(block));
    };
    flow.handler = { onConnect: pump, onDrain: pump, onData: () => {}, onClose: () => {} };
  };
  await using lab = await KernelLab.create({ stack: { onTcp }, impairment: profile });
  const cpu = ownCpuSeconds();
  const begin = performance.now();
  const output = await new Promise<string>((resolve, reject) => {
    const child = spawn(
      'ip',
      [
        'netns',
        'exec',
        lab.namespace.name,
        'python3',
        '-c',
        CLIENT,
        direction === 'up' ? 'send' : 'recv',
        STACK_V4,
        String(direction === 'up' ? SINK : SOURCE),
        String(seconds),
        ...(congestion === undefined ? [] : [congestion]),
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    child.on('error', reject);
    child.on('close', () => resolve(text));
  });
  const cores = ((ownCpuSeconds() - cpu) * 1000) / (performance.now() - begin);
  const gigabits = direction === 'up' ? (received * 8) / (last - started) / 1e6 : Number(output);
  return { gigabits, cores };
}

function verdict(value: number, target: number): string {
  return value >= target ? 'met' : 'MISSED';
}

if (process.getuid?.() !== 0 || !existsSync('/dev/net/tun')) {
  console.log('The TUN benchmark needs root and /dev/net/tun; nothing was measured.');
} else {
  console.log(`netstack through TUN with the Linux kernel, MTU 1400; node ${process.version}`);
  const clean = { up: [] as Measured[], down: [] as Measured[] };
  await inTurns(ROUNDS, ['up', 'down'] as const, async (direction) => {
    clean[direction].push(await measure(direction, {}, SECONDS));
  });
  for (const [direction, target] of [
    ['up', 2],
    ['down', 1.5],
  ] as const) {
    const gigabits = clean[direction].map((one) => one.gigabits);
    const cores = median(clean[direction].map((one) => one.cores));
    console.log(
      `${direction.padEnd(5)} ${medianAndLeast(gigabits)} Gbit/s, ${cores.toFixed(2)} cores  target ${target}: ${verdict(median(gigabits), target)}`,
    );
  }
  for (const [name, profile, target] of [
    ['1 % loss, 20 ms RTT', { delay: 10, loss: 0.01 }, 1],
    ['2 % reordering, 20 ms RTT', { delay: 10, reorder: 0.02, reorderDelay: 3 }, 0.5],
  ] as const) {
    const rates = { kernel: [] as number[], ours: [] as number[] };
    await inTurns(ROUNDS, ['kernel', 'ours'] as const, async (sender) => {
      const { gigabits } =
        sender === 'kernel' ? await measure('up', profile, SECONDS, 'cubic') : await measure('down', profile, SECONDS);
      rates[sender].push(gigabits * 1000);
    });
    const ratio = median(rates.ours) / median(rates.kernel);
    console.log(
      `${name}: ours ${medianAndLeast(rates.ours)} Mbit/s, the kernel's sender with the same algorithm (cubic) ${medianAndLeast(rates.kernel)} Mbit/s, ` +
        `ratio ${ratio.toFixed(2)}, target ${target}: ${verdict(ratio, target)}`,
    );
  }
}
