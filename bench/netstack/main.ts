import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { connections, down, idle, up } from './in-process.ts';

/*
 * node --expose-gc bench/netstack/main.ts
 *
 * Figures of the stack alone on one core. With TUNNELITE_PROTOTYPES set to a directory that holds netstack/bench-inproc.mjs,
 * that program is the peer of the same run.
 */

const figure = (value: number, digits = 2): string => value.toFixed(digits).padStart(9);

interface Peer {
  readonly up: number | undefined;
  readonly down: number | undefined;
}

function prototype(): Peer {
  const directory = process.env.TUNNELITE_PROTOTYPES;
  const program = directory === undefined ? undefined : join(directory, 'netstack', 'bench-inproc.mjs');
  if (program === undefined || !existsSync(program)) return { up: undefined, down: undefined };
  const text = execFileSync(process.execPath, [program], { encoding: 'utf8' });
  const gigabits = (name: RegExp): number | undefined => {
    const line = text.split('\n').find((candidate) => name.test(candidate));
    const match = line === undefined ? null : /([\d.]+) Gbit\/s/.exec(line);
    return match === null ? undefined : Number(match[1]);
  };
  return { up: gigabits(/^rx .*Duplex/), down: gigabits(/^tx 64K chunks, emit only/) };
}

function line(name: string, value: number, unit: string, target: number, peer?: number): void {
  const ratio = peer === undefined ? '' : `   ${(value / peer).toFixed(2)} of the prototype's ${peer.toFixed(2)}`;
  const verdict = (unit === 'bytes' ? value <= target : value >= target) ? 'met' : 'MISSED';
  console.log(`${name.padEnd(38)}${figure(value)} ${unit.padEnd(8)} target ${target} ${verdict}${ratio}`);
}

const peer = prototype();
console.log(`netstack, in process, 1400-byte packets, verified bytes; node ${process.version}`);
line('up, Duplex', (await up('duplex')).gigabits, 'Gbit/s', 8, peer.up);
line('up, callbacks', (await up('callback')).gigabits, 'Gbit/s', 8);
line('down, Duplex', (await down('duplex')).gigabits, 'Gbit/s', 10, peer.down);
line('down, callbacks', (await down('callback')).gigabits, 'Gbit/s', 10, peer.down);
line('connections, both ends', connections(20_000), 'conn/s', 8000);
if ('gc' in globalThis) {
  line('idle flow, callbacks', await idle('callback', 20_000), 'bytes', 3072);
  line('idle flow, Duplex', await idle('duplex', 20_000), 'bytes', 3072);
} else {
  console.log('idle flow: start node with --expose-gc to measure memory');
}
