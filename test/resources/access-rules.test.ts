import t from 'tap';
import type { Person, PersonFacts } from '../../src/lib/person.ts';
import { type AccessRule, AccessRules, type PersonDirectory } from '../../src/resources/access-rules.ts';
import type { ConnectRequest, Decision, ResourceProtocol } from '../../src/resources/types.ts';

const REACHED: Decision = {
  allow: true,
  rule: 'mock-service',
  explanation: 'It is there.',
  target: { kind: 'service', service: 'intranet-http' },
};

const rule = (action: 'allow' | 'deny', more: Partial<AccessRule> = {}): AccessRule => ({
  action,
  match: [],
  ports: [],
  protocols: [],
  users: [],
  groups: [],
  apps: [],
  devices: [],
  ...more,
});

const person = (facts?: PersonFacts): Person => ({
  username: 'OID-1',
  signInName: 'alice@contoso.com',
  objectId: 'oid-1',
  tenantId: 't1',
  ...(facts ? { facts } : {}),
});

const ask = (
  host: string | undefined,
  more: { address?: string; port?: number; protocol?: ResourceProtocol; person?: Person | undefined } = {},
): ConnectRequest => ({
  id: 'r1',
  trace: '0af7651916cd43dd8448eb211c80319c',
  protocol: more.protocol ?? 'tcp',
  channel: 'dtls',
  requester: { session: 's1', person: 'person' in more ? more.person : person() },
  source: { address: '169.254.0.2', port: 40_000 },
  destination: {
    address: more.address ?? '10.20.0.10',
    port: more.port ?? 443,
    host,
    names: host === undefined ? [] : [host],
    isVirtual: (more.address ?? '').startsWith('10.20.240.'),
  },
});

const NOBODY: PersonDirectory = { groupsOf: () => undefined, deviceOf: () => undefined };

const decide = (
  rules: AccessRule[],
  request: ConnectRequest,
  more: { otherwise?: 'deny' | 'allow'; directory?: PersonDirectory; reachable?: Decision } = {},
) =>
  new AccessRules({ otherwise: more.otherwise ?? 'deny', rules }, more.directory ?? NOBODY, () => 'prohibited').decide(
    request,
    more.reachable ?? REACHED,
  );

t.test('without rules everybody reaches what can be reached; a rule cannot add to that', async (t) => {
  t.strictSame(decide([], ask('intranet')), REACHED);
  const closed: Decision = { allow: false, rule: 'closed-port', explanation: 'No.', answer: 'reset' };
  t.strictSame(decide([rule('allow')], ask('intranet'), { reachable: closed }), closed);
});

t.test('the first rule decides that is about the request and about who asks', async (t) => {
  const rules = [
    rule('deny', { name: 'no finance', match: ['finance.contoso.internal'] }),
    rule('allow', { match: ['*.contoso.internal'], ports: [443] }),
  ];
  t.match(decide(rules, ask('finance.contoso.internal')), {
    allow: false,
    rule: 'access no finance',
    answer: 'prohibited',
    explanation: 'the access rule “no finance” denies finance.contoso.internal tcp port 443 to alice@contoso.com.',
  });
  t.match(decide(rules, ask('INTRANET.contoso.internal')), {
    allow: true,
    rule: 'mock-service',
    explanation: 'It is there. Access: resources.access.rules[1] allows it.',
  });
  t.match(decide(rules, ask('contoso.internal')), { allow: false, rule: 'access', explanation: 'no rule applies' });
  t.match(decide(rules, ask('intranet.contoso.internal', { port: 80 })), { allow: false });
  t.match(decide(rules, ask('intranet.contoso.internal', { port: 80 }), { otherwise: 'allow' }), { allow: true });
});

t.test('rules are by address, port and protocol too; an address that stands for a name is none', async (t) => {
  const rules = [rule('allow', { match: ['10.20.0.0/16', 'fd10:20::/64'], protocols: ['udp', 'icmp'] })];
  t.match(decide(rules, ask(undefined, { protocol: 'udp' })), { allow: true });
  t.match(decide(rules, ask(undefined, { protocol: 'icmp', port: 0 })), { allow: true });
  t.match(decide(rules, ask(undefined, { protocol: 'icmp', port: 0, address: '10.99.0.1' })), {
    allow: false,
    explanation: 'allows pings to 10.99.0.1 to alice',
  });
  t.match(decide(rules, ask(undefined, { address: 'fd10:20::10', protocol: 'udp' })), { allow: true });
  t.match(decide(rules, ask(undefined)), { allow: false });
  t.match(decide(rules, ask('shop.example.com', { address: '10.20.240.1', protocol: 'udp' })), { allow: false });
});

t.test('users are known by any of their names, in any case', async (t) => {
  for (const user of ['ALICE@contoso.com', 'oid-1', 'OID-1']) {
    t.match(decide([rule('allow', { users: [user] })], ask('intranet')), { allow: true }, user);
  }
  t.match(decide([rule('allow', { name: 'bobs', users: ['bob@contoso.com'] })], ask('intranet')), {
    allow: false,
    explanation: /“bobs” is not for alice@contoso\.com: its users are bob@contoso\.com\. Add a rule/,
  });
  t.match(decide([rule('allow', { users: ['alice'] })], ask('intranet', { person: undefined })), { allow: false });
});

t.test('apps, groups and devices are told by the token, and by the directory where it is silent', async (t) => {
  const facts = { app: 'APP-1', groups: ['g1'], device: 'd1' };
  const told = { person: person(facts) };
  t.match(decide([rule('allow', { apps: ['app-1'], groups: ['G1'] })], ask('intranet', told)), { allow: true });
  t.match(decide([rule('allow', { apps: ['app-2'] })], ask('intranet', told)), {
    explanation: /token is for the app APP-1/,
  });
  t.match(decide([rule('allow', { apps: ['app-2'] })], ask('intranet')), { explanation: /the token has no app/ });
  t.match(decide([rule('allow', { groups: ['g2'] })], ask('intranet', told)), {
    explanation: /in none of the groups g2/,
  });
  for (const whoever of [person(), undefined]) {
    const request = ask('intranet', { person: whoever });
    t.match(decide([rule('allow', { groups: ['g2'] })], request), { explanation: /the groups are unknown/ });
  }
  let compliant = true;
  const directory: PersonDirectory = {
    groupsOf: () => ['g2'],
    deviceOf: ({ facts }) => (facts?.device === 'gone' ? undefined : { compliant, managed: true }),
  };
  t.match(decide([rule('allow', { groups: ['g2'] })], ask('intranet'), { directory }), { allow: true });
  t.match(decide([rule('allow', { groups: ['g2'] })], ask('intranet', told), { directory }), { allow: false });
  const devices = [rule('allow', { devices: ['compliant'] })];
  t.match(decide(devices, ask('intranet', told), { directory }), { allow: true });
  compliant = false;
  t.match(decide(devices, ask('intranet', told), { directory }), {
    allow: false,
    explanation: /the device is noncompliant and managed/,
  });
  t.match(decide(devices, ask('intranet')), { explanation: /no deviceid claim, and the user has no device/ });
  const gone = { person: person({ ...facts, device: 'gone' }) };
  t.match(decide(devices, ask('intranet', gone), { directory }), {
    explanation: /the device gone is not in the directory/,
  });
  t.match(decide([rule('deny', { devices: ['unknown'] })], ask('intranet')), { allow: false });
  t.match(decide([rule('deny', { devices: ['unknown'] }), rule('allow')], ask('intranet'), { directory }), {
    allow: true,
  });
});

t.test('DNS stays allowed, unless a rule denies it', async (t) => {
  const reachable: Decision = { ...REACHED, target: { kind: 'service', service: 'dns' } };
  const request = ask('dns', { port: 53, protocol: 'udp' });
  t.match(decide([rule('allow', { match: ['other'] })], request, { reachable }), { allow: true });
  t.match(decide([rule('deny', { ports: [53] })], request, { reachable }), { allow: false });
});
