import t from 'tap';
import { lanSettings } from '../../src/cli/lan/lan-settings.ts';
import { resolveConfig } from '../../src/config/index.ts';

const read =
  (input = {}) =>
  () =>
    resolveConfig(input);

/** What `--lan` sets, by key. */
function settings(args: Record<string, unknown>, input = {}): Record<string, string> {
  const { flags } = lanSettings({ lan: true, ...args }, read(input))!;
  return Object.fromEntries(flags.map(({ key, text }) => [key, text]));
}

t.test('without --lan nothing changes, and what belongs to it is refused', async (t) => {
  const unread = (): never => {
    throw new Error('nobody asked for the configuration');
  };
  t.equal(lanSettings({}, unread), undefined);
  t.throws(() => lanSettings({ name: 'dev.local' }, unread), { code: 'ERR_CLI_USAGE' });
  t.throws(() => lanSettings({ 'lan-port': '80' }, unread), { code: 'ERR_CLI_USAGE' });
});

t.test('gateway and Entra ID are opened and named, and the administration stays', async (t) => {
  const set = settings({ host: '192.168.1.20', name: 'dev.local' });
  t.strictSame(set, {
    'gateway.host': '0.0.0.0',
    'gateway.names': 'dev.local,192.168.1.20',
    'identity.host': '0.0.0.0',
    'identity.names': 'dev.local,192.168.1.20',
    'admin.host': '127.0.0.1',
    'gateway.banner': 'Tunnelite on dev.local: a gateway for tests',
  });
});

t.test('what the configuration says stays', async (t) => {
  const set = settings(
    { host: '192.168.1.20', name: 'dev.local' },
    {
      gateway: { host: '192.168.1.20', names: ['vpn.example.com', 'dev.local'], banner: 'Hello' },
      identity: { host: '::' },
    },
  );
  t.equal(set['gateway.names'], 'vpn.example.com,dev.local,192.168.1.20');
  for (const key of ['gateway.host', 'identity.host', 'gateway.banner']) t.notOk(key in set, key);
});

t.test('the port of the page is 8446, any free one with --port 0, or as it is said', async (t) => {
  const port = (args: Record<string, unknown>) =>
    lanSettings({ lan: true, host: '192.168.1.20', ...args }, read())!.pagePort;
  t.equal(port({}), 8446);
  t.equal(port({ port: '0' }), 0);
  t.equal(port({ port: '0', 'lan-port': '9000' }), 9000);
  for (const bad of ['65536', '-1', 'x', '']) t.throws(() => port({ 'lan-port': bad }), { code: 'ERR_CLI_USAGE' }, bad);
});
