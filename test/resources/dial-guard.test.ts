import t from 'tap';
import { dialable } from '../../src/resources/dial-guard.ts';

const nothing = () => undefined;
const judge = (host: string, addresses: string[], local?: boolean) =>
  dialable({ host, port: 443, local }, addresses, nothing);

t.test(
  'a name that resolves to this machine, a link-local address or a metadata service is refused, and why',
  async (t) => {
    for (const [address, why] of [
      ['127.0.0.1', 'this machine itself'],
      ['127.8.8.8', 'this machine itself'],
      ['0.0.0.0', 'this machine itself'],
      ['::1', 'this machine itself'],
      ['::ffff:127.0.0.1', 'this machine itself'],
      ['64:ff9b::7f00:1', 'this machine itself'],
      ['169.254.7.7', 'a link-local address'],
      ['fe80::1', 'a link-local address'],
      ['169.254.169.254', 'the metadata service of a cloud'],
      ['::ffff:a9fe:a9fe', 'the metadata service of a cloud'],
      ['fd00:ec2::254', 'the metadata service of a cloud'],
    ] as const) {
      const found = judge('evil.example.com', [address]);
      t.match(found, { kind: 'denied', failure: `evil.example.com resolves to ${address}, which is ${why}` }, address);
    }
  },
);

t.test('what some resolvers take for an address is a name here, and goes by what it resolves to', async (t) => {
  for (const host of ['2130706433', '0x7f000001', '0177.0.0.1', '127.1', 'localtest.me', 'notlocalhost']) {
    t.match(judge(host, ['127.0.0.1']), { kind: 'denied' }, host);
  }
});

t.test('of several addresses those are left that may be dialled', async (t) => {
  t.strictSame(judge('half.example.com', ['127.0.0.1', '192.0.2.1', '169.254.169.254']), { addresses: ['192.0.2.1'] });
});

t.test('an address, localhost, and a rule that says so mean it', async (t) => {
  t.strictSame(judge('127.0.0.1', ['127.0.0.1']), { addresses: ['127.0.0.1'] });
  t.strictSame(judge('169.254.169.254', ['169.254.169.254']), { addresses: ['169.254.169.254'] });
  t.strictSame(judge('localhost', ['::1', '127.0.0.1']), { addresses: ['::1', '127.0.0.1'] });
  t.strictSame(judge('app.LOCALHOST.', ['127.0.0.1']), { addresses: ['127.0.0.1'] });
  t.match(judge('localhost', ['169.254.0.1']), { kind: 'denied' }, 'localhost is loopback, and nothing else');
  t.strictSame(judge('laptop', ['127.0.1.1'], true), { addresses: ['127.0.1.1'] });
  t.match(judge('laptop', ['169.254.169.254'], true), { kind: 'denied' }, 'a metadata service is not meant by that');
});

t.test('what leads back into the simulator is refused however it is named', async (t) => {
  const own = (address: string, port: number) => (address === '127.0.0.1' && port === 443 ? 'the gateway' : undefined);
  for (const host of ['127.0.0.1', 'localhost', 'laptop']) {
    t.match(dialable({ host, port: 443, local: true }, ['127.0.0.1'], own), {
      kind: 'denied',
      failure: '127.0.0.1:443 is the gateway itself: the connection would loop',
    });
  }
  t.match(dialable({ host: 'localhost', port: 444 }, ['127.0.0.1'], own), { addresses: ['127.0.0.1'] });
});
