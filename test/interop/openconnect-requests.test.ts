import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { desk } from '../support/desk.ts';
import { skipUnless } from '../support/interop.ts';

// Many requests of a stock client at once, and one that nobody takes.

t.setTimeout(200_000);
const skip = skipUnless({ programs: ['openconnect', 'ip', 'curl'], namespaces: true, tun: true });

t.test('500 downloads at once through openconnect are byte-exact, and each has its entry', { skip }, async (t) => {
  const one = await desk(t);
  const run = await one.connect(await one.sim.token());
  t.equal(run.outcome, 'connected', run.text());
  const folder = t.testdir();
  const count = 500;
  const url = `http://files.contoso.internal/bytes/50000?n=[1-${count}]`;
  const args = ['--parallel', '--parallel-immediate', '--parallel-max', String(count), '-o', join(folder, '#1'), url];
  const { code, stderr } = await one.client.output('curl', ['-sS', ...args]);
  t.equal(code, 0, stderr.slice(-500));
  const body = (await one.curl('http://files.contoso.internal/bytes/50000/sha256')).toString();
  const sums = new Set<string>();
  for (let i = 1; i <= count; i++) {
    sums.add(
      createHash('sha256')
        .update(await readFile(join(folder, String(i))))
        .digest('hex'),
    );
  }
  t.equal(sums.size, 1);
  t.ok(body.includes([...sums][0]!));
  const { denied, failed } = (await one.sim.resources.list()).requests;
  t.strictSame({ denied, failed }, { denied: 0, failed: 0 });
  const told = await one.client.output('curl', ['-sS', 'http://refused.contoso.internal/']);
  t.match(told.stderr, /refused/i);
  const { fields } = await one.sim.journal.waitFor({ name: 'resource.end', fields: { outcome: 'denied' } });
  t.match(fields, { host: 'refused.contoso.internal', rule: 'closed-port' });
});
