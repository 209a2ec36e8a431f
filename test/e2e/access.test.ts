import { once } from 'node:events';
import t from 'tap';
import { startSimulator, TunnelClient } from '../../src/index.ts';

t.setTimeout(120_000);

const DEVICE = '5c3b9d1e-0000-4000-8000-00000000d001';
const GROUP = '5c3b9d1e-0000-4000-8000-0000000000a1';

t.test(
  'people, groups and devices decide who reaches what, and the rules change while connections go on',
  async (t) => {
    const sim = await startSimulator({
      resources: {
        access: {
          rules: [
            { name: 'staff', action: 'allow', match: ['tcpecho.contoso.internal'], users: ['alice@contoso.com'] },
            {
              name: 'admins',
              action: 'allow',
              match: ['api.contoso.internal'],
              groups: [GROUP],
              devices: ['compliant'],
            },
          ],
        },
      },
    });
    t.teardown(() => sim.close());
    const tenant = sim.identity.directory.defaultTenant;
    tenant.devices.add({ id: DEVICE, compliant: false } as never);
    tenant.users.update('alice@contoso.com', { groups: [GROUP], device: DEVICE });
    const connect = async (user: string) => {
      const client = await TunnelClient.connect({
        server: sim.urls.gateway,
        ca: sim.ca,
        token: await sim.token({ user }),
      });
      t.teardown(() => client.close());
      return client;
    };
    const [alice, bob] = [await connect('alice@contoso.com'), await connect('bob@contoso.com')];
    const echo = await alice.openTcp('tcpecho.contoso.internal', 7);
    echo.write('hello');
    t.equal(String((await once(echo, 'data'))[0]), 'hello');
    await t.rejects(bob.openTcp('tcpecho.contoso.internal', 7), { code: 'ERR_CLIENT_OPEN' });
    t.match(sim.journal.query({ name: 'resource.end', fields: { rule: 'access' } }).at(-1)?.fields, {
      outcome: 'denied',
      explanation: /“staff” is not for bob@contoso\.com: its users are alice@contoso\.com/,
    });
    await t.rejects(alice.fetch('http://api.contoso.internal/echo'));
    t.match(sim.journal.query({ name: 'resource.end', fields: { rule: 'access' } }).at(-1)?.fields, {
      explanation: /“admins” is not for alice@contoso\.com: the device is noncompliant and managed/,
    });
    tenant.devices.update(DEVICE, { compliant: true });
    t.equal((await alice.fetch('http://api.contoso.internal/echo')).status, 200, 'as soon as the device is compliant');

    const closed = new Promise((resolve) => echo.once('close', resolve));
    echo.on('error', () => {});
    const { applied } = await sim.reload({
      resources: {
        access: { rules: [{ action: 'allow', match: ['tcpecho.contoso.internal'], users: ['bob@contoso.com'] }] },
      },
    });
    t.match(applied, [{ member: 'resources.access.rules', takesEffect: 'at once' }]);
    await closed;
    const { fields } = await sim.journal.waitFor({ name: 'resource.end', fields: { outcome: 'broken' } });
    t.match(fields, {
      host: 'tcpecho.contoso.internal',
      reason: /^The rules changed: No rule of resources\.access allows/,
    });
    const other = await bob.openTcp('tcpecho.contoso.internal', 7);
    other.destroy();
    t.equal(sim.sessions.list().filter(({ state }) => state === 'connected').length, 2, 'and no session was dropped');
  },
);
