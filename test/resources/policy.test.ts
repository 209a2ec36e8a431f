import t from 'tap';
import { createPolicy } from '../../src/resources/policy.ts';
import type { ConnectRequest } from '../../src/resources/types.ts';
import { type UpstreamRule, UpstreamRules } from '../../src/resources/upstream-rules.ts';

const services = {
  find: (address: string, port: number) =>
    address === '10.20.0.10'
      ? { host: 'intranet.contoso.internal', service: port === 80 ? 'intranet-http' : undefined }
      : undefined,
};

const ask = (address: string, port: number, ...names: string[]): ConnectRequest => ({
  id: 'r1',
  trace: '0af7651916cd43dd8448eb211c80319c',
  channel: 'cstp',
  protocol: 'tcp',
  requester: { session: 'abc', person: undefined },
  source: { address: '169.254.0.2', port: 40_000 },
  destination: { address, port, host: names[0], names, isVirtual: address.startsWith('10.20.240.') },
});

const rule = (match: string, more: Partial<UpstreamRule> = {}): UpstreamRule => ({
  match,
  ports: [],
  to: undefined,
  ...more,
});

t.test('a mock service is reached without any rule', async (t) => {
  const decision = createPolicy({ services, upstreams: new UpstreamRules([]) })(ask('10.20.0.10', 80));
  t.match(decision, { allow: true, rule: 'mock-service', target: { kind: 'service', service: 'intranet-http' } });
});

t.test('a mock host refuses a port without a service as a host does: with a reset', async (t) => {
  const decision = createPolicy({ services, upstreams: new UpstreamRules([]) })(ask('10.20.0.10', 81));
  t.match(decision, { allow: false, rule: 'closed-port', answer: 'reset' });
});

t.test('what no rule names is prohibited, and the explanation tells how to allow it', async (t) => {
  const decision = createPolicy({ services, upstreams: new UpstreamRules([]) })(ask('192.0.2.1', 443));
  t.match(decision, { allow: false, rule: 'default-deny', answer: 'prohibited' });
  t.match(decision.explanation, /resources\.upstreams/);
});

t.test('a range allows what is in it, on its ports only, and may send it elsewhere', async (t) => {
  const policy = createPolicy({
    services,
    upstreams: new UpstreamRules([rule('192.0.2.0/24', { ports: [443], to: { host: '127.0.0.1', port: 9443 } })]),
  });
  t.match(policy(ask('192.0.2.77', 443)), { allow: true, target: { kind: 'upstream', host: '127.0.0.1', port: 9443 } });
  t.match(policy(ask('192.0.2.77', 80)), { allow: false });
  t.match(policy(ask('192.0.3.77', 443)), { allow: false });
});

t.test('a host name, and a wildcard, allow their ports only', async (t) => {
  for (const match of ['api.example.com', '*.example.com']) {
    const policy = createPolicy({ services, upstreams: new UpstreamRules([rule(match, { ports: [443, 8443] })]) });
    const ports = [443, 8443, 80, 444].map((port) => policy(ask('10.20.240.1', port, 'api.example.com')).allow);
    t.strictSame(ports, [true, true, false, false], match);
    const any = createPolicy({ services, upstreams: new UpstreamRules([rule(match)]) });
    t.equal(any(ask('10.20.240.1', 80, 'api.example.com')).allow, true, `${match} without ports: any`);
  }
});

t.test('an IPv6 range does not match IPv4 addresses and the other way round', async (t) => {
  const policy = createPolicy({
    services,
    upstreams: new UpstreamRules([rule('2001:db8::/32'), rule('198.51.100.1')]),
  });
  t.match(policy(ask('2001:db8::1', 22)), { allow: true });
  t.match(policy(ask('198.51.100.1', 22)), { allow: true });
  t.match(policy(ask('2001:db8::2', 22)), { rule: 'upstream 2001:db8::/32' });
  t.match(policy(ask('198.51.100.2', 22)), { allow: false });
  t.match(policy(ask('2001:db9::1', 22)), { allow: false });
});

t.test('a host name matches itself, a wildcard only what is below it', async (t) => {
  const policy = createPolicy({
    services,
    upstreams: new UpstreamRules([rule('*.example.com'), rule('one.example.net')]),
  });
  t.match(policy(ask('203.0.113.1', 443, 'App.Example.com')), { allow: true });
  t.match(policy(ask('203.0.113.1', 443, 'example.com')), { allow: false });
  t.match(policy(ask('203.0.113.1', 443, 'evilexample.com')), { allow: false });
  t.match(policy(ask('203.0.113.1', 443, 'one.example.net')), { allow: true });
  t.match(policy(ask('203.0.113.1', 443)), { allow: false }, 'an address without a name matches no name rule');
});

t.test('all names of a host count, and the connection goes to the name that the rule is about', async (t) => {
  const policy = createPolicy({
    services,
    upstreams: new UpstreamRules([rule('www.example.com'), rule('*.example.org', { to: { host: 'web', port: 8080 } })]),
  });
  t.match(policy(ask('10.20.240.1', 443, 'example.com', 'WWW.example.com')), {
    allow: true,
    target: { kind: 'upstream', host: 'WWW.example.com', port: 443 },
    explanation: 'The upstream rule www.example.com allows WWW.example.com; it goes to WWW.example.com port 443.',
  });
  t.match(policy(ask('10.20.240.2', 443, 'a.example.org')), {
    explanation: 'The upstream rule *.example.org allows a.example.org; it goes to web port 8080.',
  });
});

t.test('an address that stands for names is matched by name only', async (t) => {
  const policy = createPolicy({
    services,
    upstreams: new UpstreamRules([
      rule('10.0.0.0/8', { to: { host: '127.0.0.1', port: 1 } }),
      rule('a.example.com', { ports: [443] }),
    ]),
  });
  t.match(policy(ask('10.20.239.1', 443)), { target: { port: 1 } });
  t.match(policy(ask('10.20.240.1', 443, 'a.example.com')), { target: { host: 'a.example.com', port: 443 } });
  t.match(policy(ask('10.20.240.1', 80, 'a.example.com')), {
    allow: false,
    rule: 'default-deny',
    explanation: /No upstream rule for a\.example\.com has port 80\. Add the port/,
  });
  t.match(policy(ask('10.20.240.2', 443)), {
    allow: false,
    explanation: /currently has none\. The client must look up the name/,
  });
});

t.test(
  'the DNS servers of the configuration are answered by the resolver, unless something else is there',
  async (t) => {
    const policy = createPolicy({
      services,
      upstreams: new UpstreamRules([rule('192.0.2.53', { to: { host: '127.0.0.1', port: 5353 } })]),
      dnsServers: new Set(['10.30.0.53', 'fd10:30::53', '192.0.2.53', '10.20.0.10']),
    });
    for (const protocol of ['tcp', 'udp'] as const) {
      const decide = (address: string, port: number) => policy({ ...ask(address, port), protocol });
      for (const address of ['10.30.0.53', 'fd10:30::53', '10.20.0.10']) {
        t.match(decide(address, 53), { allow: true, rule: 'dns-server', target: { kind: 'service', service: 'dns' } });
      }
      t.match(decide('192.0.2.53', 53), { rule: 'upstream 192.0.2.53' });
      t.match(decide('10.30.0.53', 54), { allow: false });
      t.match(decide('10.30.0.54', 53), { allow: false });
    }
  },
);

t.test('the first rule that matches decides', async (t) => {
  const policy = createPolicy({
    services,
    upstreams: new UpstreamRules([
      rule('192.0.2.1', { to: { host: '127.0.0.1', port: 1 } }),
      rule('192.0.2.0/24', { to: { host: '127.0.0.1', port: 2 } }),
    ]),
  });
  t.match(policy(ask('192.0.2.1', 443)), { target: { port: 1 } });
});

for (const match of ['my_app_1', '*.my_app.local', '_dmarc.example.com', 'FD10:20:0::10', 'fd10::/16']) {
  t.test(`the rule “${match}” is understood`, async (t) => {
    t.equal(typeof createPolicy({ services, upstreams: new UpstreamRules([rule(match)]) }), 'function');
  });
}

for (const match of ['', 'http://x', '10.0.0.0/33', 'a..b', '*', '*.*.x', '1', 'x/24', '-a.b']) {
  t.test(`the rule “${match}” is refused with a code`, async (t) => {
    t.throws(() => createPolicy({ services, upstreams: new UpstreamRules([rule(match)]) }), {
      code: 'ERR_RESOURCE_RULE',
    });
  });
}

t.test(
  'a rule with exactly the name of a mock host stands before its services, on its ports; a wildcard does not',
  async (t) => {
    const name = 'intranet.contoso.internal';
    const to = { host: '127.0.0.1', port: 3000 };
    const exact = createPolicy({
      services,
      upstreams: new UpstreamRules([rule('Intranet.contoso.internal', { ports: [80, 81], to })]),
    });
    for (const port of [80, 81])
      t.match(exact(ask('10.20.0.10', port, name)), { allow: true, target: { kind: 'upstream' } });
    t.match(exact(ask('10.20.0.10', 82, name)), { allow: false, rule: 'closed-port' });
    const other = createPolicy({
      services,
      upstreams: new UpstreamRules([rule('Intranet.contoso.internal', { ports: [81], to })]),
    });
    t.match(other(ask('10.20.0.10', 80, name)), { allow: true, target: { kind: 'service' } });
    for (const match of ['*.contoso.internal', '10.20.0.0/16']) {
      const wide = createPolicy({ services, upstreams: new UpstreamRules([rule(match, { to })]) });
      t.match(wide(ask('10.20.0.10', 80, name)), { allow: true, target: { kind: 'service' } }, match);
      t.match(wide(ask('10.20.0.10', 81, name)), { allow: true, target: { kind: 'upstream' } }, match);
    }
  },
);

t.test(
  'a host that drops what comes to ports without a service answers nothing there, and the journal says why',
  async (t) => {
    const policy = createPolicy({
      services: { find: () => ({ host: 'blackhole.contoso.internal', service: undefined, drops: true }) },
      upstreams: new UpstreamRules(),
    });
    t.match(policy(ask('10.20.0.40', 443)), {
      allow: false,
      rule: 'closed-port',
      answer: 'drop',
      explanation: /firewall/,
    });
  },
);

t.test(
  'a range as wide as everything does not mean this machine or a metadata service, a narrow one does',
  async (t) => {
    const wide = createPolicy({ services, upstreams: new UpstreamRules([rule('0.0.0.0/0'), rule('::/0')]) });
    for (const address of [
      '127.0.0.1',
      '0.0.0.0',
      '169.254.169.254',
      '169.254.1.1',
      '::1',
      'fe80::1',
      '::ffff:127.0.0.1',
    ]) {
      t.match(wide(ask(address, 80)), { allow: false, rule: 'special-address', explanation: address }, address);
    }
    t.match(wide(ask('198.51.100.1', 80)), { allow: true });
    const narrow = createPolicy({
      services,
      upstreams: new UpstreamRules([rule('127.0.0.0/8'), rule('169.254.169.254'), rule('169.254.0.0/16'), rule('::1')]),
    });
    for (const address of ['127.0.0.1', '169.254.169.254', '169.254.1.1', '::1']) {
      t.match(narrow(ask(address, 80)), { allow: true }, address);
    }
    const elsewhere = createPolicy({
      services,
      upstreams: new UpstreamRules([rule('0.0.0.0/0', { to: { host: '192.0.2.1', port: undefined } })]),
    });
    t.match(elsewhere(ask('127.0.0.1', 80)), { allow: true }, 'which leads to none of these');
  },
);
