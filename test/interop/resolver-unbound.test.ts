import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Desk } from '../support/desk.ts';
import { skipUnless } from '../support/interop.ts';

// A careful resolver on the client's machine asks the tunnel's DNS server: unbound with use-caps-for-id writes each query in letters
// of random case and believes only answers that repeat them (draft-vixie-dnsext-dns0x20), compares every record with what it asked,
// and falls back to TCP.

t.setTimeout(100_000);
const skip = skipUnless({
  programs: ['openconnect', 'ip', 'unbound', 'unbound-control', 'dig'],
  namespaces: true,
  tun: true,
});

const CONFIGURATION = (folder: string): string => `server:
  directory: "${folder}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  logfile: ""
  verbosity: 1
  val-log-level: 2
  interface: 127.0.0.1@5353
  access-control: 127.0.0.0/8 allow
  module-config: "iterator"
  use-caps-for-id: yes
  harden-glue: yes
  harden-referral-path: no
  qname-minimisation: no
  do-ip6: no
  num-threads: 1
  msg-cache-size: 0
  rrset-cache-size: 0
remote-control:
  control-enable: yes
  control-use-cert: no
  control-interface: "${folder}/control"
forward-zone:
  name: "contoso.internal"
  forward-addr: 10.20.0.53
forward-zone:
  name: "10.in-addr.arpa"
  forward-addr: 10.20.0.53
`;

t.test(
  'unbound with use-caps-for-id resolves through the tunnel, and finds nothing to object to',
  { skip },
  async (t) => {
    await using desk = await Desk.create();
    const run = await desk.connect(await desk.sim.token());
    t.equal(run.outcome, 'connected', run.text());
    const file = join(desk.directory, 'unbound.conf');
    writeFileSync(file, CONFIGURATION(desk.directory));
    const unbound = desk.client.spawn('unbound', ['-d', '-c', file]);
    let log = '';
    const started = Promise.withResolvers<void>();
    const collect = (chunk: Buffer): void => {
      log += chunk;
      if (/start of service/.test(log)) started.resolve();
    };
    for (const stream of [unbound.stdout!, unbound.stderr!]) stream.on('data', collect);
    unbound.once('close', () => started.reject(new Error(`unbound ended:\n${log}`)));
    await started.promise;

    const dig = async (...args: string[]): Promise<string> => {
      const { stdout } = await desk.client.output('dig', ['@127.0.0.1', '-p', '5353', '+tries=1', '+time=8', ...args]);
      return stdout.toString();
    };
    for (const transport of [[], ['+tcp']]) {
      const ask = (...args: string[]): Promise<string> => dig(...transport, ...args);
      t.equal((await ask('+short', 'intranet.contoso.internal', 'A')).trim(), '10.20.0.10');
      t.equal((await ask('+short', 'INTRANET.Contoso.Internal', 'AAAA')).trim(), 'fd10:20::10');
      t.match(await ask('no-such-name.contoso.internal', 'A'), /status: NXDOMAIN/);
      t.match(
        await ask('intranet.contoso.internal', 'MX'),
        /status: NOERROR[\s\S]*ANSWER: 0/,
        'a name without such records',
      );
    }
    // Each of these is asked anew, in letters of other cases.
    for (let i = 0; i < 20; i++) {
      desk.client.exec('unbound-control', ['-c', file, 'flush_zone', 'contoso.internal']);
      t.equal((await dig('+short', 'tools.contoso.internal', 'A')).trim(), '10.20.0.20');
    }
    const statistics = desk.client.exec('unbound-control', ['-c', file, 'stats_noreset']);
    const resolved = Number(/^total\.num\.cachemiss=(\d+)$/m.exec(statistics)?.[1]);
    t.ok(resolved >= 20, statistics);
    // What it does not believe it asks for twice more, to compare: one query for each name says that it believed them all.
    t.equal(desk.sim.journal.query({ name: 'dns.query' }).length, resolved);
    await run.stop();
  },
);
