import { globSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readScenario, runScenario } from '../../src/scenario/index.ts';
import { REPOSITORY } from './documents/markdown.ts';
import { skipUnless } from './interop.ts';

const folder = join(REPOSITORY, 'examples/scenarios/openconnect');

/** The one that waits until openconnect tries DTLS again. */
export const UDP_RETURNS = 'udp-lost-and-back.yaml';
/** The other scenarios that ship for a stock openconnect. */
export const OPENCONNECT_SCENARIOS: readonly string[] = globSync('*.yaml', {
  cwd: folder,
  exclude: [UDP_RETURNS],
}).toSorted();
/** The path of one. */
export const pathOf = (name: string): string => join(folder, name);

// Each waits most of the time, so they wait together, but not all at once: a start is work.
const TOGETHER = 7;

/** Runs scenarios on the real clock. Needs no root, as what goes into openconnect's tunnel comes through ocproxy. */
export function runOpenconnectScenarios(files: readonly string[]): void {
  t.setTimeout(300_000);
  const skip = skipUnless({ programs: ['openconnect', 'ocproxy'] });
  t.test('they pass', { skip, jobs: TOGETHER }, async (t) => {
    t.ok(files.length >= 6);
    for (const file of files) {
      t.test(file, async (t) => {
        const { passed, report } = await runScenario(readScenario(pathOf(file)));
        t.ok(passed, report);
      });
    }
  });
}
