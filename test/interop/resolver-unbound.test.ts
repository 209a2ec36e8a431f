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

const RECORDS = [
  { name: 'mail.contoso.internal', type: 'A', data: '10.20.0.77' },
  { name: 'mail.contoso.internal', type: 'AAAA', data: 'fd10:20::77' },
  { name: 'contoso.internal', type: 'MX', data: '10 mail.contoso.internal' },
  { name: 'contoso.internal', type: 'TXT', data: 'v=spf1 mx -all' },
  { name: '_ldap._tcp.contoso.internal', type: 'SRV', data: '0 5 389 dc.contoso.internal' },
  { name: '10.20.0.77', type: 'PTR', data: 'mail.contoso.internal' },
  { name: 'www.contoso.internal', type: 'CNAME', data: 'intranet.contoso.internal' },
  { name: 'lost.contoso.internal', type: 'CNAME', data: 'nowhere.contoso.internal' },
  { name: '*.apps.contoso.internal', type: 'A', data: '10.20.0.78' },
  { name: 'long.contoso.internal', type: 'TXT', data: 'y'.repeat(3_000) },
] as const;

const EXPECTED = [
  ['mail.contoso.internal', 'A', '10.20.0.77'],
  ['Mail.Contoso.Internal', 'AAAA', 'fd10:20::77'],
  ['contoso.internal', 'MX', '10 mail.contoso.internal.'],
  ['contoso.internal', 'TXT', '"v=spf1 mx -all"'],
  ['_ldap._tcp.contoso.internal', 'SRV', '0 5 389 dc.contoso.internal.'],
  ['www.contoso.internal', 'CNAME', 'intranet.contoso.internal.'],
  ['x.apps.contoso.internal', 'A', '10.20.0.78'],
  ['contoso.internal', 'SOA', 'dns.contoso.internal. hostmaster.contoso.internal. 1 3600 600 86400 60'],
] as const;

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
  local-zone: "10.in-addr.arpa." nodefault
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
    await using desk = await Desk.create({ services: { records: [...RECORDS] } });
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
      for (const [name, type, expected] of EXPECTED) t.equal((await ask('+short', name, type)).trim(), expected, type);
      t.equal((await ask('+short', '-x', '10.20.0.77')).trim(), 'mail.contoso.internal.');
      t.match(await ask('www.contoso.internal', 'AAAA'), /CNAME\s+intranet[\s\S]*fd10:20::10/, 'an alias');
      t.match(await ask('lost.contoso.internal', 'A'), /status: NXDOMAIN[\s\S]*CNAME\s+nowhere/, 'to nowhere');
      t.match(await ask('none.apps.contoso.internal', 'MX'), /status: NOERROR/, 'a wildcard');
      t.match(await ask('www.example.com', 'A'), /status: SERVFAIL/, 'what the tunnel refuses unbound cannot tell');
      const long = await ask('long.contoso.internal', 'TXT');
      t.equal(long.match(/y{50,}/g)?.join('').length, 3_000, 'fetched over TCP by unbound');
    }
    // Wrong codes.
    const faults = [
      { kind: 'servfail', name: 'broken' },
      { kind: 'refused', name: 'refusing' },
    ] as const;
    for (const { kind, name } of faults) {
      desk.sim.faults.add({ on: { seam: 'dns', name: `${name}.contoso.internal` }, then: { do: kind } });
    }
    for (const { name } of faults) {
      t.match(await dig(`${name}.contoso.internal`, 'A'), /status: SERVFAIL/, name);
    }
    // Each of these is asked anew, in letters of other cases.
    const mark = desk.sim.journal.mark();
    const missed = (): number =>
      Number(
        /^total\.num\.cachemiss=(\d+)$/m.exec(desk.client.exec('unbound-control', ['-c', file, 'stats_noreset']))?.[1],
      );
    const before = missed();
    for (let i = 0; i < 20; i++) {
      desk.client.exec('unbound-control', ['-c', file, 'flush_zone', 'contoso.internal']);
      t.equal((await dig('+short', 'tools.contoso.internal', 'A')).trim(), '10.20.0.20');
    }
    const resolved = missed() - before;
    t.equal(resolved, 20);
    // What it does not believe it asks for twice more, to compare. On a busy machine it repeats a question that is not answered soon.
    const asked = desk.sim.journal.query({ name: 'dns.query', since: mark }).length;
    t.ok(asked >= resolved && asked < 2 * resolved, `${asked} questions for ${resolved}`);
    await run.stop();
  },
);
