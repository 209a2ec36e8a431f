import { connections, down, idle, loadPrototype, ours, oursByCallback, up } from './in-process.ts';

/*
 * node --expose-gc bench/netstack/main.ts
 *
 * The stack alone, in CPU time of one thread. With TUNNELITE_PROTOTYPES set to a directory that holds netstack/netstack.mjs,
 * that stack is measured in the same run by the same packets.
 */

function line(name: string, value: number, unit: string, target: number, peer?: number): void {
  const ratio = peer === undefined ? '' : `  ${(value / peer).toFixed(2)} x prototype (${peer.toFixed(2)})`;
  const verdict = (unit === 'bytes' ? value <= target : value >= target) ? 'met' : 'MISSED';
  console.log(
    `${name.padEnd(24)}${value.toFixed(2).padStart(10)} ${unit.padEnd(7)} target ${target}: ${verdict}${ratio}`,
  );
}

const prototype = await loadPrototype();
console.log(`netstack in process, 1400-byte packets, verified bytes; node ${process.version}`);
const upPeer = prototype && (await up(prototype)).gigabits;
line('up, Duplex', (await up(ours)).gigabits, 'Gbit/s', 8, upPeer);
line('up, callbacks', (await up(oursByCallback)).gigabits, 'Gbit/s', 8, upPeer);
const downPeer = prototype && (await down(prototype)).gigabits;
line('down, Duplex', (await down(ours)).gigabits, 'Gbit/s', 10, downPeer);
line('down, callbacks', (await down(oursByCallback)).gigabits, 'Gbit/s', 10, downPeer);
line('connections, both ends', connections(20_000), 'conn/s', 8000);
if ('gc' in globalThis) {
  line('idle flow, callbacks', await idle('callback', 20_000), 'bytes', 3072);
  line('idle flow, Duplex', await idle('duplex', 20_000), 'bytes', 3072);
} else {
  console.log('idle flow: start node with --expose-gc to measure memory');
}
