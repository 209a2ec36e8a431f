import { join } from 'node:path';
import t from 'tap';
import { cli, spawnCli } from '../support/cli.ts';

t.setTimeout(120_000);

t.test('rules for each seam are made from options, and one that can never match is refused in words', async (t) => {
  const certs = join(t.testdir(), 'certs');
  const started = spawnCli(['start', '--port', '0', '--certs', certs, '--json', '--log-level', 'silent']);
  t.teardown(() => started.child.kill('SIGKILL'));
  await started.waitFor(/\n/);
  const add = async (...argv: string[]) => {
    const { code, out, err } = await cli(['fault', 'add', ...argv, '--certs', certs, '--json']);
    return code === 0 ? (JSON.parse(out) as { rule: unknown; notes: string[] }) : `${out}${err}`;
  };
  t.match(await add('packet', 'mtu_blackhole', '--direction', 'out', '--with', 'bytes=1300', '--with', 'icmp=true'), {
    rule: { on: { seam: 'packet', direction: 'out' }, then: { do: 'mtu_blackhole', bytes: 1300, icmp: true } },
  });
  t.match(
    await add('packet', 'drop', '--kind', 'tcp', '--flags', 'syn,!ack', '--address', '10.20.0.0/16', '--port', '443'),
    {
      rule: { on: { kind: 'tcp', flags: ['syn', '!ack'], address: '10.20.0.0/16', port: 443 } },
    },
  );
  t.match(
    await add('dns', 'wrong_address', '--host', '*.contoso.internal', '--with', 'addresses=10.20.0.99,fd10:20::99'),
    {
      rule: { on: { seam: 'dns', name: '*.contoso.internal' }, then: { addresses: ['10.20.0.99', 'fd10:20::99'] } },
    },
  );
  t.match(
    await add(
      'decision',
      'refuse',
      '--kind',
      'authenticate',
      '--claims',
      '{"groups": ["a1"], "app": {"tier": "gold"}}',
    ),
    {
      rule: { on: { claims: { groups: ['a1'], app: { tier: 'gold' } } } },
    },
  );
  t.match(await add('decision', 'terminate', '--session', 'k3', '--with', 'reason=7'), {
    rule: { then: { do: 'terminate', reason: '7' } },
    notes: [/There is no session k3, and ids are not reused/],
  });
  t.match(await add('http', 'aadsts', '--kind', 'token', '--with', 'code=50076'), { rule: { then: { code: 50076 } } });
  t.match(await add('http', 'aadsts', '--kind', 'token', '--with', 'code=12'), /no error AADSTS12/);
  t.match(
    await add('packet', 'drop', '--remote', '192.0.2.1'),
    /items at the seam packet have no remote, so the rule could never match/,
  );
  t.match(await cli(['fault', 'add', 'udp', 'dropp', '--certs', certs]), {
    code: 2,
    err: /^rule then\.do: there is no action "dropp"\. Did you mean "drop"\?/,
  });
  t.match(await add('decision', 'refuse', '--claims', '{'), /The claims are neither valid JSON nor YAML/);
});
