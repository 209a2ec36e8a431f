import type { FastifyRequest } from 'fastify';
import t from 'tap';
import { DEFAULT_CLIENT_ID, DEFAULT_PASSWORD } from '../../../src/entra/directory/index.ts';
import { clientOf } from '../../../src/entra/oauth/http.ts';
import { ManualClock } from '../../../src/lib/clock.ts';
import { TUNNEL_DEFAULT_SCOPE } from '../../../src/lib/tunnel-api.ts';
import { startProvider, type TestProvider } from '../../support/identity-provider.ts';

const TOKEN = '/contoso.com/oauth2/v2.0/token';

const signIn = (provider: TestProvider) =>
  provider.post(TOKEN, {
    grant_type: 'password',
    client_id: DEFAULT_CLIENT_ID,
    username: 'alice@contoso.com',
    password: DEFAULT_PASSWORD,
    scope: `openid offline_access ${TUNNEL_DEFAULT_SCOPE}`,
  });

t.test('a refresh token is good until time limit, which the refusal tells as .NET writes it (700082)', async (t) => {
  for (const [seconds, text] of [
    [90 * 86_400, '90.00:00:00'],
    [95_445, '1.02:30:45'],
    [5025, '01:23:45'],
  ] as const) {
    const clock = new ManualClock();
    await using provider = await startProvider({ clock, lifetimes: { refreshToken: seconds } });
    const { refresh_token } = (await signIn(provider)).body;
    const redeem = () =>
      provider.post(TOKEN, { grant_type: 'refresh_token', client_id: DEFAULT_CLIENT_ID, refresh_token });
    clock.advance(seconds * 1000 - 1000);
    t.equal((await redeem()).status, 200);
    clock.advance(1000);
    const { body } = await redeem();
    t.strictSame(body.error_codes, [700082]);
    t.ok(body.error_description.includes(text), `${text}: ${body.error_description}`);
  }
});

t.test('where a request came from is an address and a port, or unknown where there is none', async (t) => {
  const request = (ip: string | undefined, remotePort: number | undefined) =>
    ({ ip, socket: { remotePort } }) as unknown as FastifyRequest;
  t.strictSame(clientOf(request('192.0.2.1', 5000)), { address: '192.0.2.1', remote: '192.0.2.1:5000' });
  t.equal(clientOf(request('2001:db8::1', 5000)).remote, '[2001:db8::1]:5000');
  t.equal(clientOf(request('192.0.2.1', undefined)).remote, '192.0.2.1:0');
  t.equal(clientOf(request(undefined, 5000)).remote, 'an unknown address');
});
