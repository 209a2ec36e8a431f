import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import t from 'tap';
import { seededRandom } from '../../src/lib/random.ts';
import { createWorld, type WorldClient } from '../../src/world/index.ts';

const LINKS = [
  { delay: 5 },
  { delay: 35 },
  { delay: 150, down: 200_000, up: 96_000 },
  { delay: 20, down: 50_000, up: 20_000 },
];
const BLOWS: readonly ((client: WorldClient) => void)[] = [
  (client) => client.cutUdp(),
  (client) => client.restoreUdp(),
  (client) => client.cut(),
  (client) => client.restore(),
  (client) => client.rebind(),
  (client) => client.roam(),
  (client) => client.rekey(),
  (client) => void client.disconnect(),
];

/** Two clients on bad links, and what happens to them: all of it follows from one number. */
async function story(seed: number): Promise<string> {
  const random = seededRandom(seed);
  const link = { ...LINKS[random.uint32() % LINKS.length]!, loss: random.float() / 10, jitter: 15 };
  await using world = await createWorld({
    seed,
    clients: 2,
    browse: '1500ms',
    nat: (['none', 'easy', 'hard'] as const)[seed % 3]!,
    link,
    config: { gateway: { dpd: 5 } },
  });
  for (let blow = 0; blow < 3; blow++) {
    const strike = BLOWS[random.uint32() % BLOWS.length]!;
    const client = world.clients[random.uint32() % 2]!;
    world.after(1500 + random.float() * 5000, () => strike(client));
  }
  await world.run('8s');
  return world.transcript();
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Makes a test of the worlds of these seeds: each seed brings the same journal again, byte for byte, whatever ran before. */
export function tellStoriesTwice(from: number, to: number): void {
  t.setTimeout(300_000);
  const count = to - from + 1;
  t.test('the same seed brings the same journal, byte for byte, with loss and jitter', async (t) => {
    const first = new Map<number, string>();
    for (let seed = from; seed <= to; seed++) first.set(seed, await story(seed));
    const different: number[] = [];
    for (let seed = to; seed >= from; seed--) if ((await story(seed)) !== first.get(seed)) different.push(seed);
    t.strictSame(different, []);
    t.equal(new Set(first.values()).size, count, 'and each seed another one');
    const pages = [...first.values()].filter((text) => / page 200 /.test(text)).length;
    t.ok(pages > count / 2, `pages came in ${pages} of ${count} worlds`);
    const child = spawnSync(process.execPath, [import.meta.filename, String(from + 2)], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    t.equal(child.stdout.trim(), hash(first.get(from + 2)!), 'in another process too, with other keys');
  });
}

if (import.meta.main) console.log(hash(await story(Number(process.argv[2]))));
