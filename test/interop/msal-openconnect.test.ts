import t from 'tap';
import { DEFAULT_CLIENT_ID, DEFAULT_PASSWORD } from '../../src/entra/directory/index.ts';
import { startSimulator } from '../../src/index.ts';
import { TUNNEL_DEFAULT_SCOPE } from '../../src/lib/tunnel-api.ts';
import { skipUnless } from '../support/interop.ts';
import { Msal } from '../support/msal.ts';
import { SOCKS_TUNNEL_PROGRAMS, SocksTunnel } from '../support/socks-tunnel.ts';

const skip = skipUnless({ programs: SOCKS_TUNNEL_PROGRAMS });

for (const policy of ['gateway', 'strict'] as const) {
  t.test(
    `the whole chain, policy ${policy}: MSAL signs in, openconnect takes its token, a page comes through the tunnel`,
    { skip },
    async (t) => {
      await using sim = await startSimulator({ identity: { policy } });
      await using msal = await Msal.start({ caPem: sim.ca });
      const { authority } = sim.urls;
      await msal.call({
        call: 'configure',
        kind: 'public',
        configuration: {
          auth: { clientId: DEFAULT_CLIENT_ID, authority, knownAuthorities: [new URL(authority).host] },
        },
      });
      const { result, failure } = await msal.call({
        call: 'password',
        username: 'alice@contoso.com',
        password: DEFAULT_PASSWORD,
        scopes: [TUNNEL_DEFAULT_SCOPE],
      });
      t.equal(failure, undefined);

      await using tunnel = await SocksTunnel.open(sim, result!.accessToken, t.testdir());
      const { fields } = await sim.journal.waitFor({ name: 'auth.accepted' });
      t.equal(fields.user, result!.uniqueId, 'the gateway knows the user by the object id');

      const page = (await tunnel.fetch('http://intranet.contoso.internal/')).toString();
      t.match(page, /You reached the on-premises network through the tunnel/);
    },
  );
}
