import { writeFileSync } from 'node:fs';
import t from 'tap';
import { desk } from '../support/desk.ts';
import { skipUnless } from '../support/interop.ts';

// The tunnel's resolver as a stock client's programs meet it: dig for each type of record and each failure, over UDP and TCP, and the
// client machine's own resolver with the search suffix that openconnect was told.

t.setTimeout(120_000);
const skip = skipUnless({ programs: ['openconnect', 'ip', 'curl', 'dig', 'getent'], namespaces: true, tun: true });

const SECOND = '10.20.9.53';

t.test('dig gets each type of record, and each failure, at each DNS server', { skip }, async (t) => {
  const one = await desk(t, {
    gateway: { dnsServers: ['10.20.0.53', SECOND] },
    services: {
      records: [
        { name: 'mail.contoso.internal', type: 'A', data: '10.20.0.77' },
        { name: 'mail.contoso.internal', type: 'AAAA', data: 'fd10:20::77' },
        { name: 'contoso.internal', type: 'MX', data: '10 mail.contoso.internal' },
        { name: 'contoso.internal', type: 'TXT', data: 'v=spf1 mx "quoted" -all' },
        { name: '_ldap._tcp.contoso.internal', type: 'SRV', data: '0 5 389 dc.contoso.internal' },
        { name: '10.20.0.77', type: 'PTR', data: 'mail.contoso.internal' },
        { name: 'www.contoso.internal', type: 'CNAME', data: 'intranet.contoso.internal' },
        { name: '*.apps.contoso.internal', type: 'CNAME', data: 'intranet.contoso.internal' },
        { name: 'circle.contoso.internal', type: 'CNAME', data: 'nowhere.contoso.internal' },
        { name: 'long.contoso.internal', type: 'TXT', data: 'x'.repeat(900) },
        { name: 'huge.contoso.internal', type: 'TXT', data: 'y'.repeat(4_000) },
      ],
    },
  });
  const run = await one.connect(await one.sim.token());
  t.equal(run.outcome, 'connected', run.text());
  t.match(run.text(), /told: dns=10\.20\.0\.53 10\.20\.9\.53 domain=contoso\.internal/);
  const dig = async (...args: string[]): Promise<string> =>
    (await one.client.output('dig', ['+tries=2', '+time=5', ...args])).stdout.toString().trim();

  for (const server of ['@10.20.0.53', `@${SECOND}`]) {
    for (const transport of ['+notcp', '+tcp']) {
      const short = (...args: string[]): Promise<string> => dig(server, transport, '+short', ...args);
      const where = `${server} ${transport}`;
      t.equal(await short('mail.contoso.internal', 'A'), '10.20.0.77', where);
      t.equal(await short('MAIL.contoso.internal', 'AAAA'), 'fd10:20::77', where);
      t.equal(await short('contoso.internal', 'MX'), '10 mail.contoso.internal.', where);
      t.equal(await short('contoso.internal', 'TXT'), '"v=spf1 mx \\"quoted\\" -all"', where);
      t.equal(await short('_ldap._tcp.contoso.internal', 'SRV'), '0 5 389 dc.contoso.internal.', where);
      t.equal(await short('-x', '10.20.0.77'), 'mail.contoso.internal.', where);
      t.equal(await short('www.contoso.internal', 'A'), 'intranet.contoso.internal.\n10.20.0.10', where);
      t.equal(await short('x.apps.contoso.internal', 'A'), 'intranet.contoso.internal.\n10.20.0.10', where);
      t.match(await short('contoso.internal', 'SOA'), /^dns\.contoso\.internal\. hostmaster/, where);
      const gone = await dig(server, transport, 'nowhere.contoso.internal');
      t.match(gone, /status: NXDOMAIN[\s\S]*contoso\.internal\.\s+60\s+IN\s+SOA\s/, where);
      t.match(await dig(server, transport, 'circle.contoso.internal'), /status: NXDOMAIN[\s\S]*CNAME\s+nowhere/, where);
      t.match(await dig(server, transport, 'mail.contoso.internal', 'SRV'), /status: NOERROR[\s\S]*ANSWER: 0/, where);
      t.match(await dig(server, transport, 'www.example.com'), /status: REFUSED/, where);
      t.match(await dig(server, transport, 'CH', 'TXT', 'version.bind'), /status: REFUSED/, where);
      t.match(await dig(server, transport, '+opcode=NOTIFY', 'contoso.internal'), /status: NOTIMP/, where);
    }
  }

  await t.test('answers are as long as EDNS allows, and go over TCP beyond that', async (t) => {
    const long = (...args: string[]) => dig('@10.20.0.53', 'long.contoso.internal', 'TXT', '+ignore', ...args);
    t.match(await long('+noedns'), /flags: qr aa tc rd ra[\s\S]*ANSWER: 0/);
    t.match(await long('+bufsize=600'), /flags: qr aa tc/);
    t.match(await long('+bufsize=1232'), /flags: qr aa rd ra[\s\S]*ANSWER: 1/);
    t.match(await dig('@10.20.0.53', 'huge.contoso.internal', 'TXT', '+ignore', '+bufsize=8192'), /flags: qr aa tc/);
    const whole = await dig('@10.20.0.53', 'huge.contoso.internal', 'TXT');
    t.match(whole, /Truncated, retrying in TCP mode[\s\S]*ANSWER: 1/);
    t.equal(whole.match(/y{100,}/g)?.join('').length, 4_000);
  });

  await t.test('a short name is found with the suffix that clients are told', async (t) => {
    writeFileSync(`/etc/netns/${one.client.name}/resolv.conf`, `nameserver ${SECOND}\nsearch contoso.internal\n`);
    const { stdout } = await one.client.output('getent', ['ahostsv4', 'intranet']);
    t.match(stdout.toString(), /^10\.20\.0\.10 /);
    t.match((await one.curl('http://intranet/whoami')).toString(), /"host":"intranet"/);
  });
  await run.stop();
});
