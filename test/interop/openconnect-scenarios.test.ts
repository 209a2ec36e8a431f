import { globSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readScenario, runScenario } from '../../src/scenario/index.ts';
import { REPOSITORY } from '../support/documents/markdown.ts';
import { skipUnless } from '../support/interop.ts';

// The scenarios that ship for a stock openconnect, on the real clock: no root, as what goes into its tunnel comes through ocproxy.

t.setTimeout(300_000);
const skip = skipUnless({ programs: ['openconnect', 'ocproxy'] });
const folder = join(REPOSITORY, 'examples/scenarios/openconnect');
const files = globSync('*.yaml', { cwd: folder }).toSorted();

// Each waits most of the time, so they wait together, but not all at once: a start is work.
const TOGETHER = 6;

t.test('they pass', { skip, jobs: TOGETHER }, async (t) => {
  t.ok(files.length >= 13);
  for (const file of files) {
    t.test(file, async (t) => {
      const { passed, report } = await runScenario(readScenario(join(folder, file)));
      t.ok(passed, report);
    });
  }
});

t.test('one whose rule never strikes fails, and its report has what openconnect said', { skip }, async (t) => {
  const result = await runScenario({
    clock: 'real',
    client: 'openconnect',
    timeline: [
      {
        at: '0s',
        fault: { name: 'hole', on: { seam: 'udp', remote: '192.0.2.1' }, then: { do: 'drop' } },
      },
      { at: '8s' },
    ],
    expect: [{ never: 'channel.dtls.open' }, { rule: 'hole' }],
  });
  t.equal(result.outcome, 'failed');
  t.match(result.report, /found +1:\n +\d+\.\d{3}s +#\d+ channel\.dtls\.open: /);
  t.match(result.report, /the fault rule hole strikes, at least once\n +found +it never selected anything/);
  t.match(result.report, /client 0 .*(Established DTLS|Configured as 169\.254\.)/);
});
