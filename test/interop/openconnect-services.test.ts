import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { MOCK_HOSTS, mockAddresses, mockName } from '../../src/config/index.ts';
import { desk } from '../support/desk.ts';
import { skipUnless } from '../support/interop.ts';
import { matchesPattern } from '../support/pattern.ts';

// The mock network through the stock client: dig for names, curl over HTTP/1.1 and HTTP/2, openssl for certificates, undici for WebSocket.

t.setTimeout(200_000);
const skip = skipUnless({
  programs: ['openconnect', 'ip', 'curl', 'dig', 'openssl', 'ping'],
  namespaces: true,
  tun: true,
});

/** A program of the client's: sends a message over WebSocket, and prints what comes back. */
const WEB_SOCKET = `
  const { WebSocket, Agent } = await import(${JSON.stringify(
    pathToFileURL(join(import.meta.dirname, '../../node_modules/undici/index.js')).href,
  )});
  const [, url, ca] = process.argv;
  const dispatcher = new Agent({ connect: { ca: require('node:fs').readFileSync(ca) } });
  const socket = new WebSocket(url, { dispatcher });
  socket.binaryType = 'arraybuffer';
  socket.onerror = (event) => { console.error(event.error ?? event.message); process.exit(1); };
  const sent = Buffer.alloc(100_000, 'abc');
  socket.onopen = () => { socket.send('hello'); socket.send(sent); };
  let count = 0;
  socket.onmessage = ({ data }) => {
    count += 1;
    if (count === 1) process.stdout.write(data + ' ');
    else { process.stdout.write(String(Buffer.from(data).equals(sent))); socket.close(); }
  };
  socket.onclose = () => dispatcher.close();
`;

t.test('a stock client finds each mock host, and each does what the table says', { skip }, async (t) => {
  const one = await desk(t);
  const run = await one.connect(await one.sim.token({ user: 'alice@contoso.com' }));
  t.equal(run.outcome, 'connected', run.text());
  const ca = join(one.directory, 'ca.pem');

  await t.test('names and addresses', async (t) => {
    for (const host of MOCK_HOSTS) {
      const questions = [mockName(host), 'A', mockName(host), 'AAAA', '-x', mockAddresses(host)[0]];
      const { stdout } = await one.client.output('dig', ['+short', '@10.20.0.53', ...questions]);
      t.equal(stdout.toString().trim(), [...mockAddresses(host), `${mockName(host)}.`].join('\n'), host.label);
    }
  });

  await t.test('each site over HTTP and HTTPS, IPv4 and IPv6', async (t) => {
    for (const site of ['intranet', 'webapp', 'api', 'files', 'stream', 'flaky']) {
      for (const scheme of ['http', 'https']) {
        for (const family of ['-4', '-6']) {
          const written = ['-L', '-o', '/dev/null', '-w', '%{http_code} %{http_version}'];
          const path = site === 'flaky' ? '/?steps=200' : '/';
          const told = await one.curl(family, ...written, `${scheme}://${site}.contoso.internal${path}`);
          t.equal(
            told.toString(),
            `200 ${scheme === 'https' && site !== 'intranet' ? '2' : '1.1'}`,
            `${scheme} ${site} ${family}`,
          );
        }
      }
    }
    t.equal((await one.curl('--http1.1', 'https://stream.contoso.internal/http')).toString(), '{"version":"1.1"}');
  });

  await t.test('curl downloads with ranges, and uploads', async (t) => {
    const whole = await one.curl('https://files.contoso.internal/bytes/3000000');
    t.ok(matchesPattern(whole, 0) && whole.length === 3_000_000);
    const told = JSON.parse((await one.curl('https://files.contoso.internal/bytes/3000000/sha256')).toString());
    t.equal(told.sha256, createHash('sha256').update(whole).digest('hex'));
    const part = await one.curl('-r', '1000000-1999999', 'https://files.contoso.internal/bytes/3000000');
    t.ok(part.equals(whole.subarray(1_000_000, 2_000_000)));
    const form = await one.curl('-F', `file=@${ca}`, 'http://files.contoso.internal/upload');
    t.ok(JSON.parse(form.toString()).bytes > 500);
  });

  await t.test('curl signs in by form and cookie, by Basic and by Digest', async (t) => {
    const jar = join(one.directory, 'jar');
    const cookies = ['-b', jar, '-c', jar, '-L'];
    const login = ['-d', 'username=alice', '--data-urlencode', 'password=contoso', '-d', 'next=/session'];
    const told = await one.curl(...cookies, ...login, 'https://webapp.contoso.internal/login');
    t.match(JSON.parse(told.toString()), { user: 'alice', requests: 1 });
    const api = 'https://api.contoso.internal';
    t.match((await one.curl('-u', 'alice:contoso', `${api}/auth/basic`)).toString(), /"scheme":"Basic"/);
    t.match((await one.curl('--digest', '-u', 'alice:contoso', `${api}/auth/digest`)).toString(), /"scheme":"Digest/);
    const wrong = await one.curl(
      '--digest',
      '-u',
      'alice:wrong',
      '-w',
      '%{http_code}',
      '-o',
      '/dev/null',
      `${api}/auth/digest`,
    );
    t.equal(wrong.toString(), '401');
    t.match((await one.curl('-L', '-X', 'POST', '-d', 'x=1', `${api}/echo`)).toString(), /"body":"x=1"/);
    t.match((await one.curl('-L', `${api}/redirect/5`)).toString(), /"url":"\/echo"/);
  });

  await t.test('openssl and curl tell each certificate for what it is', async (t) => {
    const verify = async (label: string, ...args: string[]): Promise<string> => {
      const name = `${label}.contoso.internal`;
      const options = [
        '-connect',
        `${name}:443`,
        '-servername',
        name,
        '-verify_hostname',
        name,
        '-CAfile',
        ca,
        '-brief',
        ...args,
      ];
      const { stdout, stderr } = await one.client.output('openssl', ['s_client', ...options], { input: '' });
      return stdout.toString() + stderr;
    };
    t.match(await verify('trusted'), /Verification: OK/);
    t.match(await verify('trusted', '-showcerts'), /Verification: OK/);
    t.match(await verify('untrusted'), /self-signed certificate/);
    t.match(await verify('expired'), /certificate has expired/);
    t.match(await verify('wrongname'), /hostname mismatch/i);
    t.match(await verify('optionalcert'), /Verification: OK/);
    const client = join(one.directory, 'client.pem');
    await one.curl('-o', client, 'http://clientcert.contoso.internal/client.pem');
    const withCertificate = ['--cert', client, 'https://clientcert.contoso.internal/'];
    t.match(JSON.parse((await one.curl(...withCertificate)).toString()), {
      client: { subject: /CN=alice@contoso\.com/, good: true },
    });
    for (const version of ['--tls-max', '--tlsv1.3']) {
      const limits = version === '--tls-max' ? ['--tls-max', '1.2'] : ['--tlsv1.3'];
      // With TLS 1.3 the client is through before its certificate is looked at (RFC 8446 §2): a curl that still sends its request
      // when the connection is broken off is told of the reset, and reads no alert any more.
      const refused = version === '--tls-max' ? /alert|handshake|certificate/i : /alert|certificate|reset by peer/i;
      await t.rejects(one.curl(...limits, 'https://clientcert.contoso.internal/'), refused, version);
      t.ok(await one.curl(...limits, ...withCertificate));
    }
    // Who only listens reads the alert.
    t.match(await verify('clientcert', '-tls1_3', '-ign_eof'), /alert certificate required/);
    t.equal(JSON.parse((await one.curl('https://optionalcert.contoso.internal/')).toString()).client, null);
  });

  await t.test('events and WebSocket', async (t) => {
    const events = await one.curl('-N', 'https://stream.contoso.internal/events?count=3&interval=10');
    t.equal(events.toString().match(/^event: tick$/gm)?.length, 3);
    for (const url of ['ws://stream.contoso.internal/ws', 'wss://stream.contoso.internal/ws']) {
      const args = ['--input-type=commonjs', '-e', `(async () => {${WEB_SOCKET}})()`, url, ca];
      const { stdout, stderr } = await one.client.output(process.execPath, args, { timeout: 30_000 });
      t.equal(stdout.toString(), 'hello true', `${url} ${stderr}`);
    }
  });

  await t.test('what is closed looks closed: refused at once, or silent', async (t) => {
    const curl = (...args: string[]) =>
      one.client.output('curl', ['-sS', '-o', '/dev/null', '-w', '%{exitcode}', ...args]);
    const refused = await curl('--max-time', '30', 'http://refused.contoso.internal/');
    t.equal(refused.stdout.toString(), '7', refused.stderr);
    t.match(refused.stderr, /Connection refused|Could not connect|Failed to connect/i);
    const silent = await curl('--connect-timeout', '1', 'http://blackhole.contoso.internal/');
    t.equal(silent.stdout.toString(), '28', silent.stderr);
    const ping = async (name: string): Promise<string> =>
      (await one.client.output('ping', ['-c', '1', '-W', '1', name])).stdout.toString();
    t.match(await ping('refused.contoso.internal'), / 1 received/);
    t.match(await ping('blackhole.contoso.internal'), / 0 received/);
    t.match(
      one.sim.journal.query({ name: 'resource.request', fields: { host: 'blackhole.contoso.internal' } })[0]?.fields,
      {
        decision: 'deny',
        rule: 'closed-port',
      },
    );
  });
  await run.stop();
});
