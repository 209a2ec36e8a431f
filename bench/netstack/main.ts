import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createNetstack } from '../../src/netstack/index.ts';
import { inTurns, medianAndLeast, times } from '../lib/figures.ts';
import { options, tellIfAlone } from '../lib/options.ts';
import { connections, down, idle, subject, up } from './in-process.ts';

/*
 * node bench/netstack/main.ts [rounds] [connections] [--against ../checkout]
 *
 * The stack alone, in CPU time of one thread, beside that of another checkout of this repository. kernel.ts and tun.ts have the kernel to
 * compare with.
 */

const { numbers, against } = options([], ['against']);
const [rounds = 8, count = 20_000] = numbers;
/** Rounds of what takes long. */
const FEW = Math.min(rounds, 3);

interface Contender {
  readonly name: string;
  readonly create: typeof createNetstack;
}

const contenders: Contender[] = [{ name: 'tunnelite', create: createNetstack }];
for (const folder of against) {
  const other = (await import(pathToFileURL(join(folder, 'src/netstack/index.ts')).href)) as {
    readonly createNetstack: typeof createNetstack;
  };
  contenders.push({ name: folder, create: other.createNetstack });
}

/** All contenders in turn; the first round, in which code is compiled, does not count. */
async function compare(
  what: string,
  unit: string,
  turns: number,
  measure: (contender: Contender) => Promise<number> | number,
  warmUp = 1,
): Promise<void> {
  const results = new Map<Contender, number[]>(contenders.map((contender) => [contender, []]));
  await inTurns(turns + warmUp, contenders, async (contender, round) => {
    const value = await measure(contender);
    if (round >= warmUp) results.get(contender)!.push(value);
  });
  const ours = results.get(contenders[0]!)!;
  for (const [contender, all] of results) {
    const ratio = contender === contenders[0] ? '' : `; tunnelite has ${times(ours, all)}`;
    console.log(`${what.padEnd(24)} ${contender.name.padEnd(10)} ${medianAndLeast(all)} ${unit}${ratio}`);
  }
}

console.log(
  `netstack in process, 1400-byte packets, verified bytes, one core; node ${process.version}; median (least)`,
);
tellIfAlone(against);
for (const [name, duplex] of [
  ['Duplex', true],
  ['callbacks', false],
] as const) {
  const of = ({ name: owner, create }: Contender) => subject(owner, create, duplex);
  await compare(`up, ${name}`, 'Gbit/s', rounds, (contender) => up(of(contender)));
  await compare(`down, ${name}`, 'Gbit/s', rounds, (contender) => down(of(contender)));
}
await compare('connections, both ends', 'a second', FEW, ({ create }) => connections(create, count));
await compare('idle flow, callbacks', 'bytes', 1, ({ create }) => idle(create, 'callback', count), 0);
await compare('idle flow, Duplex', 'bytes', 1, ({ create }) => idle(create, 'duplex', count), 0);
