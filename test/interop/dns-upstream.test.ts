import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { desk } from '../support/desk.ts';
import { freePort } from '../support/free-port.ts';
import { skipUnless } from '../support/interop.ts';
import { end } from '../support/namespace.ts';

// The tunnel's resolver with a real one behind it, for names that are none of the mock network: unbound with a zone of its own beside the
// gateway, dig on a client's machine behind openconnect.

t.setTimeout(120_000);
const skip = skipUnless({ programs: ['openconnect', 'ip', 'unbound', 'dig', 'curl'], namespaces: true, tun: true });

const zone = (folder: string, port: number): string => `server:
  directory: "${folder}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  logfile: ""
  interface: 127.0.0.1@${port}
  access-control: 127.0.0.0/8 allow
  module-config: "iterator"
  do-ip6: no
  num-threads: 1
  local-zone: "example.com." static
  local-data: "example.com. 300 IN SOA ns.example.com. host.example.com. 1 3600 600 86400 60"
  local-data: "www.example.com. 300 IN A 192.0.2.10"
  local-data: "www.example.com. 300 IN AAAA 2001:db8::10"
  local-data: "example.com. 300 IN MX 10 mail.example.com."
  local-data: "example.com. 300 IN NS ns.example.com."
  local-data: 'example.com. 300 IN CAA 0 issue "ca.example"'
  local-data: "_sip._tcp.example.com. 300 IN SRV 1 2 5060 sip.example.com."
  local-data: 'naptr.example.com. 300 IN NAPTR 1 2 "u" "E2U+sip" "!^.*$!sip:x@example.com!" .'
  local-data: 'svc.example.com. 300 IN HTTPS 1 . alpn=h2 ipv4hint=192.0.2.10'
  local-data: 'text.example.com. 300 IN TXT "one" "two"'
  local-data: "rebind.example.com. 300 IN A 127.0.0.1"
  local-data: "rebind.example.com. 300 IN A 169.254.169.254"
  local-data-ptr: "192.0.2.10 300 www.example.com"
${Array.from({ length: 100 }, (_, i) => `  local-data: "many.example.com. 300 IN A 192.0.2.${i + 1}"`).join('\n')}
`;

/** Starts unbound; resolves once it answers. */
async function startUnbound(folder: string, port: number): Promise<ChildProcess> {
  const file = join(folder, 'upstream.conf');
  writeFileSync(file, zone(folder, port));
  const unbound = spawn('unbound', ['-d', '-d', '-c', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  await new Promise<void>((resolve, reject) => {
    for (const stream of [unbound.stdout, unbound.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        log += chunk;
        if (/start of service/.test(log)) resolve();
      });
    }
    unbound.once('close', () => reject(new Error(`unbound ended:\n${log}`)));
  });
  return unbound;
}

t.test(
  'dig gets from unbound what the mock network does not have, and nothing that leads home',
  { skip },
  async (t) => {
    const port = await freePort();
    const one = await desk(t, {
      gateway: { splitDns: [], dnsServers: ['10.20.0.53'] },
      // Nobody listens at the first.
      resources: { dns: { servers: ['127.0.0.2:9', `127.0.0.1:${port}`] } },
    });
    const unbound = await startUnbound(one.directory, port);
    t.teardown(() => end(unbound));
    const run = await one.connect(await one.sim.token());
    t.equal(run.outcome, 'connected', run.text());
    const dig = async (...args: string[]): Promise<string> =>
      (await one.client.output('dig', ['@10.20.0.53', '+tries=1', '+time=10', ...args])).stdout.toString().trim();

    for (const transport of ['+notcp', '+tcp']) {
      const short = (...args: string[]): Promise<string> => dig(transport, '+short', ...args);
      t.equal(await short('WWW.example.com', 'A'), '192.0.2.10', transport);
      t.equal(await short('www.example.com', 'AAAA'), '2001:db8::10', transport);
      t.equal(await short('example.com', 'MX'), '10 mail.example.com.', transport);
      t.equal(await short('example.com', 'NS'), 'ns.example.com.', transport);
      t.equal(await short('example.com', 'CAA'), '0 issue "ca.example"', transport);
      t.equal(await short('_sip._tcp.example.com', 'SRV'), '1 2 5060 sip.example.com.', transport);
      t.equal(await short('naptr.example.com', 'NAPTR'), '1 2 "u" "E2U+sip" "!^.*$!sip:x@example.com!" .', transport);
      t.equal(await short('svc.example.com', 'HTTPS'), '1 . alpn="h2" ipv4hint=192.0.2.10', transport);
      t.equal(await short('text.example.com', 'TXT'), '"one" "two"', transport);
      t.equal(await short('-x', '192.0.2.10'), 'www.example.com.', transport);
      t.match(await short('example.com', 'SOA'), /^ns\.example\.com\. host/, transport);
      t.match(
        await dig(transport, 'none.example.com'),
        /status: NXDOMAIN[\s\S]*example\.com\.\s+\d+\s+IN\s+SOA/,
        transport,
      );
      t.match(await dig(transport, 'www.example.com', 'MX'), /status: NOERROR[\s\S]*ANSWER: 0/, transport);
      t.match(await dig(transport, 'rebind.example.com'), /status: REFUSED/, transport);
      t.equal(await short('intranet.contoso.internal'), '10.20.0.10', transport);
      t.match(await dig(transport, 'none.contoso.internal'), /status: NXDOMAIN/, transport);
      t.match(await dig(transport, 'example.com', 'AXFR'), /Transfer failed|status: NOTIMP/, transport);
    }
    const many = await dig('many.example.com', 'A');
    t.match(many, /Truncated, retrying in TCP mode[\s\S]*ANSWER: 100/, 'over TCP at both ends');
    const { dns } = one.sim.resources.list();
    t.equal(dns.questions, dns.answered + dns.refused + dns.failed + dns.malformed + dns.dropped);
    t.ok(dns.forwarded >= 26, `${dns.forwarded} questions were forwarded`);
    t.equal(dns.failed, 0);
    await run.stop();
  },
);
