import t from 'tap';
import { WRONG_TOKEN_NAMES, WRONG_TOKENS } from '../../src/entra/tokens/wrong-token.ts';
import { startSimulator } from '../../src/index.ts';
import { login } from '../support/bearer-login.ts';

for (const policy of ['gateway', 'strict'] as const) {
  t.test(
    `${policy}: each wrong token that "tunnelite token" makes is answered by the gateway as the table says`,
    async (t) => {
      await using sim = await startSimulator({ identity: { policy } });
      const refused = () => sim.journal.query({ name: 'auth.refused' }).length;
      for (const name of WRONG_TOKEN_NAMES) {
        const expected = WRONG_TOKENS[name][policy];
        const { accessToken } = await sim.mintToken({ wrong: name });
        const before = refused();
        const status = await login(sim.urls.gateway, sim.ca, accessToken);
        if (name === '1mb') {
          t.notMatch(status, /200/, '1mb: the listener does not read that far');
        } else if (expected === 'accepted') {
          t.match(status, /^HTTP\/1\.1 200 /, name);
          t.equal(refused(), before, name);
        } else {
          t.match(status, /^HTTP\/1\.1 401 /, name);
          const [event] = sim.journal.query({ name: 'auth.refused' }).slice(before);
          t.equal(event?.fields.reason, expected, name);
          t.notOk(event?.text.includes(accessToken), 'the token is not in the journal');
        }
      }
      t.match(await login(sim.urls.gateway, sim.ca, (await sim.mintToken({})).accessToken), / 200 /, 'the good one');
    },
  );
}
