import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readScenario, runScenario } from '../../src/scenario/index.ts';
import { skipUnless } from '../support/interop.ts';
import { pathOf, UDP_RETURNS } from '../support/openconnect-scenarios.ts';
import { QUICK_OPENCONNECT, quickOpenconnect } from '../support/quick-openconnect.ts';

t.setTimeout(200_000);
const skip = skipUnless({ programs: ['openconnect', 'ocproxy'], packages: QUICK_OPENCONNECT });

t.test('the scenario in which UDP is lost and comes back passes', { skip }, async (t) => {
  const shipped = readFileSync(pathOf(UDP_RETURNS), 'utf8');
  // The file waits for the minute after which openconnect tries DTLS again. Here it is a tenth of that, and its dead peer detection too: with one
  // of 3 s, it would give up on a gateway that is busy for a moment.
  const sooner = shipped.replaceAll('100s', '40s').replace('dpd: 3 ', 'dpd: 10 ');
  t.match(sooner, /dpd: 10 .*\[25s, 40s\]/s);
  const file = join(t.testdir(), UDP_RETURNS);
  writeFileSync(file, sooner);
  quickOpenconnect(t);
  const { passed, report } = await runScenario(readScenario(file));
  t.ok(passed, report);
});
