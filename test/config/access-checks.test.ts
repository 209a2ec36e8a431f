import t from 'tap';
import { crossCheck } from '../../src/config/cross-checks.ts';
import { IN_PROCESS_DEFAULTS, loadConfig, resolveConfig } from '../../src/config/index.ts';

t.test('a rule of access that cannot be is refused, with the place of the member', async (t) => {
  for (const [rule, place, why] of [
    ['{ action: permit }', /3:\d+|access\.rules\[0\]\.action/, /allow/],
    ['{ match: [x] }', /access\.rules\[0\]/, /action/],
    ['{ action: allow, match: ["a.*.b"] }', /access\.rules\[0\]\.match\[0\]/, /host name/],
    ['{ action: allow, match: ["10.0.0.0/33"] }', /access\.rules\[0\]\.match\[0\]/, /CIDR/],
    ['{ action: allow, ports: [0] }', /access\.rules\[0\]\.ports\[0\]/, /1/],
    ['{ action: allow, protocols: [sctp] }', /access\.rules\[0\]\.protocols\[0\]/, /tcp/],
    ['{ action: allow, devices: [lost] }', /access\.rules\[0\]\.devices\[0\]/, /compliant/],
    ['{ action: allow, userz: [x] }', /access\.rules\[0\]/, /users/],
    ['{ action: allow, protocols: [icmp], ports: [80] }', /access\.rules\[0\]\.ports/, /pings have no ports/],
    ['{ action: allow, name: x }, { action: deny, name: x }', /access\.rules\[1\]\.name/, /two rules x/],
  ] as const) {
    const folder = t.testdir({ 'tunnelite.yaml': `resources:\n  access:\n    rules: [${rule}]\n` });
    try {
      loadConfig({ file: `${folder}/tunnelite.yaml`, env: {}, flags: [] });
      t.fail(`${rule} is taken`);
    } catch (error) {
      const { message } = error as Error;
      t.match(message, place, rule);
      t.match(message, why, rule);
      t.match(message, /tunnelite\.yaml:3:\d+/, 'file, line and column');
    }
  }
});

t.test('a rule behind one that matches everything is warned of', async (t) => {
  const rules = [{ action: 'deny' }, { action: 'allow', match: ['intranet.contoso.internal'] }] as const;
  const { warnings, problems } = crossCheck(
    resolveConfig({ resources: { access: { rules: [...rules] } } } as never, IN_PROCESS_DEFAULTS),
  );
  t.strictSame(problems, []);
  t.match(warnings.join('\n'), /rules\[1\] is never reached, because resources\.access\.rules\[0\] matches everything/);
});
