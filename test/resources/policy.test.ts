import t from 'tap';
import { createPolicy, type UpstreamRule } from '../../src/resources/policy.ts';
import type { ConnectRequest } from '../../src/resources/types.ts';

const services = {
  find: (address: string, port: number) =>
    address === '10.20.0.10'
      ? { host: 'intranet.contoso.internal', service: port === 80 ? 'intranet-http' : undefined }
      : undefined,
};

const ask = (address: string, port: number, host?: string): ConnectRequest => ({
  id: 'r1',
  protocol: 'tcp',
  requester: { session: 'abc', user: 'alice', signInName: undefined, tenantId: undefined },
  source: { address: '169.254.0.2', port: 40_000 },
  destination: { address, port, host },
});

const rule = (match: string, more: Partial<UpstreamRule> = {}): UpstreamRule => ({
  match,
  ports: [],
  to: undefined,
  ...more,
});

t.test('a mock service is reached without any rule', async (t) => {
  const decision = createPolicy({ services, upstreams: [] })(ask('10.20.0.10', 80));
  t.match(decision, { allow: true, rule: 'mock-service', target: { kind: 'service', service: 'intranet-http' } });
});

t.test('a mock host refuses a port without a service as a host does: with a reset', async (t) => {
  const decision = createPolicy({ services, upstreams: [] })(ask('10.20.0.10', 81));
  t.match(decision, { allow: false, rule: 'closed-port', answer: 'reset' });
});

t.test('what no rule names is prohibited, and the explanation tells how to allow it', async (t) => {
  const decision = createPolicy({ services, upstreams: [] })(ask('192.0.2.1', 443));
  t.match(decision, { allow: false, rule: 'default-deny', answer: 'prohibited' });
  t.match(decision.explanation, /resources\.upstreams/);
});

t.test('a range allows what is in it, on its ports only, and may send it elsewhere', async (t) => {
  const policy = createPolicy({
    services,
    upstreams: [rule('192.0.2.0/24', { ports: [443], to: { host: '127.0.0.1', port: 9443 } })],
  });
  t.match(policy(ask('192.0.2.77', 443)), { allow: true, target: { kind: 'upstream', host: '127.0.0.1', port: 9443 } });
  t.match(policy(ask('192.0.2.77', 80)), { allow: false });
  t.match(policy(ask('192.0.3.77', 443)), { allow: false });
});

t.test('an IPv6 range does not match IPv4 addresses and the other way round', async (t) => {
  const policy = createPolicy({ services, upstreams: [rule('2001:db8::/32'), rule('198.51.100.1')] });
  t.match(policy(ask('2001:db8::1', 22)), { allow: true });
  t.match(policy(ask('198.51.100.1', 22)), { allow: true });
  t.match(policy(ask('198.51.100.2', 22)), { allow: false });
  t.match(policy(ask('2001:db9::1', 22)), { allow: false });
});

t.test('a host name matches itself, a wildcard only what is below it', async (t) => {
  const policy = createPolicy({ services, upstreams: [rule('*.example.com'), rule('one.example.net')] });
  t.match(policy(ask('203.0.113.1', 443, 'App.Example.com')), { allow: true });
  t.match(policy(ask('203.0.113.1', 443, 'example.com')), { allow: false });
  t.match(policy(ask('203.0.113.1', 443, 'evilexample.com')), { allow: false });
  t.match(policy(ask('203.0.113.1', 443, 'one.example.net')), { allow: true });
  t.match(policy(ask('203.0.113.1', 443)), { allow: false }, 'an address without a name matches no name rule');
});

t.test('the first rule that matches decides', async (t) => {
  const policy = createPolicy({
    services,
    upstreams: [
      rule('192.0.2.1', { to: { host: '127.0.0.1', port: 1 } }),
      rule('192.0.2.0/24', { to: { host: '127.0.0.1', port: 2 } }),
    ],
  });
  t.match(policy(ask('192.0.2.1', 443)), { target: { port: 1 } });
});

for (const match of ['', 'http://x', '10.0.0.0/33', 'a..b', '*', '*.*.x', '1', 'x/24', '-a.b']) {
  t.test(`the rule “${match}” is refused with a code`, async (t) => {
    t.throws(() => createPolicy({ services, upstreams: [rule(match)] }), { code: 'ERR_RESOURCE_RULE' });
  });
}
