import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { TunnelClient } from '../../src/index.ts';
import { cli, spawnCli } from '../support/cli.ts';

const certs = join(t.testdir(), 'certs');
const started = spawnCli(['start', '--port', '0', '--certs', certs, '--json', '--log-level', 'silent']);
t.teardown(() => started.child.kill('SIGKILL'));
const ready = JSON.parse(await started.waitFor(/\n/)) as { gateway: string; ca: string; pid: number };
const ca = readFileSync(ready.ca, 'utf8');

const run = (...argv: string[]) => cli([...argv, '--certs', certs]);
async function json(...argv: string[]) {
  const { code, out, err } = await run(...argv, '--json');
  return { code, value: JSON.parse(out), err };
}
const connect = async () => TunnelClient.connect({ server: ready.gateway, token: (await run('token')).out.trim(), ca });

t.test('status shows where everything is, and the secret when it is asked for', async (t) => {
  const { out } = await run('status');
  t.match(out, new RegExp(`^gateway +${ready.gateway} \\(listening\\)$`, 'm'));
  t.match(out.split('\n'), [/^gateway/, /^Entra ID/, `CA         ${ready.ca}`]);
  t.match(out, /^sessions +0 connected, 0 without a tunnel$/m);
  t.match(out, /^REST +http:\/\/127\.0\.0\.1:\d+\/api\/docs$/m);
  t.match((await json('status')).value, { pid: ready.pid, clock: { mode: 'real' }, gatewayState: 'listening' });
  const { secret } = JSON.parse(readFileSync(join(certs, 'instance.json'), 'utf8')) as { secret: string };
  t.equal((await run('status', '--secret')).out, `${secret}\n`);
});

t.test('sessions are listed, shown and ended', async (t) => {
  t.equal((await run('sessions')).out, 'There are no sessions.\n');
  await using client = await connect();
  t.ok(client.connected);
  const [session] = (await json('sessions')).value.sessions;
  const { id } = session;
  t.match(
    (await run('sessions')).out,
    new RegExp(`^id +user +state .*\\n${id} +alice@contoso\\.com +connected +(?:cstp|dtls) +169\\.`),
  );
  t.match((await run('sessions', 'show', id)).out, /^state +connected$/m);
  t.match(await run('sessions', 'rekey', id), { code: 0, out: /reconnects with its cookie/ });
  t.match(await run('sessions', 'expire', id), { code: 0, out: `The session ${id} has expired.\n` });
  t.match(await run('sessions', 'disconnect', id), { code: 1, err: /There is no session/ });
  await using second = await connect();
  t.ok(second.connected);
  const [other] = (await json('sessions')).value.sessions;
  t.match(await run('sessions', 'disconnect', other.id, '--reason', 'Enough.'), { code: 0, out: /^Ended the session/ });
  const waited = await run('wait-for', 'session.disconnect', '--where', `session=${other.id}`);
  t.match(waited, { code: 0, out: /session\.disconnect .*Enough\./ });
});

t.test('a client is explained, and the areas of the journal can still be asked for', async (t) => {
  const [ended] = (await json('sessions')).value.sessions as { id: string }[];
  t.equal(ended, undefined);
  const shown = await run('explain');
  t.match(shown, {
    code: 0,
    out: /^The session \w{6} of alice@contoso\.com has ended: an administrator ended the session\.$/m,
  });
  t.match(shown.out, /\(end-admin\)\n +After \d+ s: Enough\.\n +Why: .*\n(?: .*\n)* +→ Log in again\./);
  const { value } = await json('explain', 'last');
  t.match(value, { outcome: 'ended', findings: [{ cause: 'end-admin', seams: undefined }] });
  t.match(await run('explain', 'nobody'), { code: 1, err: /The journal has no events of the session nobody/ });
  t.match(await run('explain', '1.2.3'), { code: 1, err: /neither a session id nor an address/ });
  t.match(await run('journal', 'session.disconnect'), { code: 0, out: /session\.disconnect/ });
  t.match(await run('journal', 'dif'), { code: 2, err: /no event “dif”/ });
});

t.test('a server is exposed, listed and removed', async (t) => {
  t.match(await run('expose', 'orders.contoso.internal:443=localhost:3000'), {
    code: 0,
    out: 'Clients reach orders.contoso.internal:443 at localhost:3000, in the tunnel at 10.20.240.1 (u1).\n',
  });
  t.match(await run('resources'), {
    code: 0,
    out: /^id +name .*\nu1 +orders\.contoso\.internal +10\.20\.240\.1 +443 +localhost port 3000 +0\n- +intranet\.contoso\.internal +10\.20\.0\.10 /,
  });
  const six = await json('expose', '[2001:db8::7]:80=[::1]');
  t.match(six, { code: 0, value: { id: 'u2', match: '2001:db8::7', ports: [80], to: { host: '::1', port: null } } });
  t.match(await json('expose', '2001:db8::/32=::1'), { code: 0, value: { match: '2001:db8::/32', ports: [] } });
  t.match(await run('expose', 'shop.example.com=localhost'), { code: 0, err: /^Warning: .*gateway\.splitDns/ });
  t.match((await json('resources')).value.upstreams.length, 4);
  t.match(await json('resources', 'remove', 'u1'), { code: 0, value: { id: 'u1', ended: 0 } });
  t.match(await run('resources', 'remove', 'u1'), { code: 1, err: /There is no upstream "u1"/ });
  t.match(await run('expose', 'nothing'), { code: 2, err: /expose NAME\[:PORT\]=HOST/ });
  t.match(await run('expose', 'orders.contoso.internal:99999=localhost'), { code: 1, err: /ports\[0\]/ });
  t.equal((await run('reset')).code, 0);
  t.strictSame((await json('resources')).value.upstreams, []);
});

t.test('rules of access are added, listed, replaced and removed', async (t) => {
  t.match(await run('access'), { code: 0, out: /^There are no rules: every user with a session/ });
  const rule = {
    name: 'bob',
    action: 'deny',
    match: ['api.contoso.internal'],
    ports: [80],
    users: ['bob@contoso.com'],
  };
  t.match(await run('access', 'add', JSON.stringify(rule)), {
    code: 0,
    out: 'Added a1, before all others; 0 connections ended.\n',
  });
  const file = join(t.testdir({ 'rule.json': '{"action":"allow"}' }), 'rule.json');
  t.match(await json('access', 'add', `@${file}`), {
    code: 0,
    value: { id: 'a2', name: null, action: 'allow', match: [], source: 'added', ended: 0 },
  });
  t.match(await run('access'), {
    code: 0,
    out: /^id +name +action .*\na2 +- +allow +anything +any +anybody *\na1 +bob +deny +api\.contoso\.internal +80 +bob@contoso\.com *\nOtherwise: deny\.\n$/,
  });
  t.match(await run('access', 'add', JSON.stringify(rule)), { code: 1, err: /There are two rules bob/ });
  t.match(await run('access', 'add', '{"action":"perhaps"}'), { code: 1, err: /action/ });
  t.match(await run('access', 'add', '{'), { code: 2, err: /The rule cannot be read: .*Use JSON/s });
  t.match(await run('access', 'add', '@/nowhere/rule.json'), { code: 2, err: /ENOENT/ });
  t.match(await json('access', 'remove', 'a1'), { code: 0, value: { id: 'a1', ended: 0 } });
  t.match(await run('access', 'remove', 'a1'), { code: 1, err: /There is no access rule "a1"/ });
  t.match(await run('access', 'replace', '{"otherwise":"allow","rules":[{"action":"deny","protocols":["icmp"]}]}'), {
    code: 0,
    out: 'There is 1 rule now; 0 connections ended.\n',
  });
  t.match((await json('access')).value, { otherwise: 'allow', rules: [{ id: 'a3', protocols: ['icmp'] }] });
  t.equal((await run('reset')).code, 0);
  t.strictSame((await json('access')).value, { otherwise: 'deny', rules: [] });
});

t.test('answers of one’s own are added, listed and removed', async (t) => {
  t.match(await run('stubs'), { code: 0, out: /^id +method +host +path +answer +hits/ });
  const stub = { host: 'orders.contoso.internal', method: 'GET', path: '/orders/:id', json: { state: 'sent' } };
  t.match(await run('stubs', 'add', JSON.stringify(stub)), {
    code: 0,
    out: 's1 answers GET /orders/:id of orders.contoso.internal with 200.\n',
  });
  const file = join(
    t.testdir({ 'stub.json': '{"expression":"/v[0-9]+/.*","sequence":[{"status":503},{"body":"x"}]}' }),
    'stub.json',
  );
  t.match(await json('stubs', 'add', `@${file}`), {
    code: 0,
    value: { id: 's2', host: null, method: null, expression: '/v[0-9]+/.*', sequence: 2, source: 'added', hits: 0 },
  });
  t.match(await run('stubs'), {
    code: 0,
    out: /\ns2 +any +any +\/v\[0-9\]\+\/\.\* +2 in turn +0\ns1 +GET +orders\.contoso\.internal +\/orders\/:id +200 +0\n$/,
  });
  t.match(await run('stubs', 'add', '{"expression":"(?=x)"}'), { code: 1, err: /not a valid regular expression/ });
  t.match(await run('stubs', 'add', '{"path":"orders"}'), { code: 1, err: /begins with \// });
  t.match(await run('stubs', 'add', 'orders'), { code: 2, err: /The stub cannot be read/ });
  t.match(await run('stubs', 'remove', 's1'), { code: 0, out: 'Removed s1, which answered 0 requests.\n' });
  t.match(await run('stubs', 'remove', 's1'), { code: 1, err: /There is no stub "s1"/ });
  t.equal((await run('reset')).code, 0);
  t.strictSame((await json('stubs')).value.stubs, []);
});

t.test('the journal is printed, filtered, and as NDJSON', async (t) => {
  t.match((await run('journal')).out, /^\d\d:\d\d:\d\d\.\d{3} {2}#1 +simulator\.starting +Starting on Node\.js/);
  const { out } = await run('journal', 'session.*', '--where', 'user!=null', '--json');
  const names = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).name);
  t.ok(names.length >= 4);
  t.ok(names.every((name) => name.startsWith('session.')));
  t.equal((await run('journal', '--limit', '1', '--json')).out.split('\n').length, 2);
  t.match(await run('journal', 'sesion.connect'), { code: 2, err: /Did you mean “session\.connect”\?/ });
  t.match(await run('journal', 'channel.switch', '--where', 'too=cstp'), {
    code: 2,
    err: /No event channel\.switch has a field “too”; did you mean “to”\?/,
  });
  t.match(await run('wait-for', 'channel.switch', '--where', 'too=cstp'), { code: 2, err: /did you mean “to”\?/ });
  t.match(await run('journal', '--since', 'x'), { code: 2, err: /not the number of an event/ });
  t.match(await run('journal', '--level', 'loud'), { code: 2, err: /no level "loud"/ });
  t.match(await run('journal', '--limit', 'x'), { code: 2 });
});

t.test('problems decide the exit code', async (t) => {
  const mark = String((await json('status')).value.mark);
  t.match(await run('journal', '--problems', '--since', mark), { code: 0, out: 'There were no problems.\n' });
  const token = (await run('token', '--wrong', 'expired')).out.trim();
  await t.rejects(TunnelClient.connect({ server: ready.gateway, token, ca }));
  t.match(await run('journal', '--problems', '--since', mark), { code: 1, out: /auth\.refused/ });
});

t.test('a wait that is in vain ends with 1 and names the nearest events', async (t) => {
  const { code, err } = await run('wait-for', 'channel.switch', '--where', 'to=cstp', '--timeout', '0.001');
  t.equal(code, 1);
  t.match(err, /^Waited \d+ ms for channel\.switch with to=cstp; .*\nNo channel\.switch with to=cstp\. Nearest:\n/);
  t.match(await run('wait-for', 'simulator.ready', '--json'), { code: 0, out: /^\{"seq":\d+,/ });
  t.match(await run('wait-for', 'simulator.ready', '--new', '--timeout', '0.001'), { code: 1, err: /after #\d+/ });
  t.match(await run('wait-for', 'simulator.ready', '--timeout', 'soon'), { code: 2 });
  t.match(await run('wait-for'), { code: 2 });
});

t.test('the clock is moved, and reset sets it back', async (t) => {
  t.match((await run('clock')).out, /^\d{4}-\d\d-\d\dT[\d:.]+Z\n$/);
  t.match((await run('clock', 'advance', '90m')).out, /, 5400 s ahead of this machine\n$/);
  t.match((await run('clock', 'freeze')).out, /frozen\n$/);
  t.match((await json('clock', 'resume')).value, { mode: 'real', offset: Number });
  t.match(await run('clock', 'advance', 'soon'), { code: 2, err: /Write numbers with units/ });
  t.match(await run('reset'), {
    code: 0,
    out: /^Reset in \d+ ms; ended \d+ sessions?\. The journal continues after #\d+\.\n$/,
  });
  t.match((await json('clock')).value, { offset: 0, mode: 'real' });
});

t.test('the gateway is restarted, drained and stopped', async (t) => {
  t.match(await run('gateway'), { code: 0, out: 'The gateway is listening.\n' });
  t.match(await run('gateway', 'restart', '--lose-cookies'), { code: 0, out: 'The gateway was restarted.\n' });
  t.match(await run('gateway', 'drain', '--timeout', '1s'), { code: 0, out: /^0 left by themselves, 0 were ended/ });
  t.match(await json('gateway'), { code: 0, value: { state: 'draining' } });
  t.match(await run('gateway', 'start'), { code: 0 });
  t.match(await run('gateway', 'stop', '--notify'), { code: 0, out: /run "gateway start" to start it again/ });
  t.match(await run('gateway', 'start'), { code: 0, out: 'The gateway accepts clients again.\n' });
  t.match(await run('gateway', 'strat'), { code: 2, err: /Did you mean "start"\?/ });
});

t.test(
  'what is followed goes on until the instance is stopped; after that every command says that nothing runs',
  async (t) => {
    const following = spawnCli(['journal', 'clock.*,simulator.*', '--follow', '--certs', certs]);
    t.teardown(() => following.child.kill('SIGKILL'));
    await following.waitFor(/simulator\.ready/);
    await run('clock', 'advance', '1s');
    await following.waitFor(/clock\.advanced .*\n(.*\n)*.*clock\.advanced/);
    t.match(await run('stop'), { code: 0, out: `The instance (process ${ready.pid}) has ended.\n` });
    t.match(await started.ended, { code: 0 });
    t.match(await following.ended, { code: 0, out: /simulator\.closing/ });
    for (const argv of [
      ['status'],
      ['sessions'],
      ['journal'],
      ['wait-for', 'simulator.ready'],
      ['clock'],
      ['reset'],
      ['stop'],
      ['gateway', 'restart'],
    ]) {
      t.match(await run(...argv), { code: 1, err: /ERR_CLI_NOT_RUNNING/ }, argv.join(' '));
    }
  },
);
