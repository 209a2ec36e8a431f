import t from 'tap';
import { runScenario } from '../../src/scenario/index.ts';
import { skipUnless } from '../support/interop.ts';
import { OPENCONNECT_SCENARIOS, runOpenconnectScenarios } from '../support/openconnect-scenarios.ts';

// The first half of the scenarios that ship for a stock openconnect.
runOpenconnectScenarios(OPENCONNECT_SCENARIOS.slice(0, 7));

const skip = skipUnless({ programs: ['openconnect', 'ocproxy'] });

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
