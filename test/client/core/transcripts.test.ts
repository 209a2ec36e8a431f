import type { TLSSocket } from 'node:tls';
import t from 'tap';
import { LightLab } from '../../support/light-lab.ts';
import { requestsOf, type ScriptedGateway, scriptedGateway } from '../../support/scripted-gateway.ts';

/*
 * What ocserv 1.3.0 with bearer tokens was seen to answer, byte for byte but for line ends: its transcripts played to the client
 * (reference/transcripts 03, 10, 28, 40, 41, 42).
 */

const http = (...lines: string[]): string => `${lines.join('\r\n')}\r\n\r\n`;

const CHALLENGE = http('HTTP/1.1 401 Unauthorized', 'WWW-Authenticate: Bearer', 'Content-Length: 0');
const REFUSED = http('HTTP/1.1 401 Authentication failed', 'Content-Length: 0');
const COOKIE_REFUSED = http('HTTP/1.1 401 Cookie is not acceptable');

/** With the length that the transcript has: its lines end with one character. */
const page = (length: number, headers: string[], body: string[]): string =>
  `${http('HTTP/1.1 200 OK', ...headers.map((line) => line.replace('#', String(length))))}${`${body.join('\n')}\n`.padEnd(length).slice(0, length)}`;

const COMPLETE = page(
  232,
  [
    'Connection: Keep-Alive',
    'Content-Type: text/xml',
    'Content-Length: #',
    'X-Transcend-Version: 1',
    'Set-Cookie: webvpncontext=AGowyQGA8VySJoIVux+0UZNZS8Ys2WEqsBAYs08EwhI=; Secure; HttpOnly',
    'Set-Cookie: webvpn=AGowyQGA8VySJoIVux+0UZNZS8Ys2WEqsBAYs08EwhI=; Secure; HttpOnly',
    'Set-Cookie: webvpnc=; expires=Thu, 01 Jan 1970 22:00:00 GMT; path=/; Secure; HttpOnly',
    'Set-Cookie: webvpnc=bu:/&p:t&iu:1/&sh:12DEBF498142A01927ED1F983D27392F52C2724B; path=/; Secure; HttpOnly',
  ],
  [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<config-auth client="vpn" type="complete">',
    '<version who="sg">0.1(1)</version>',
    '<auth id="success">',
    '<title>SSL VPN Service</title><banner>Welcome to the example lab</banner></auth></config-auth>',
  ],
);

const FORM = page(
  502,
  [
    'Set-Cookie: webvpncontext=; expires=Thu, 01 Jan 1970 22:00:00 GMT; path=/; Secure; HttpOnly',
    'Content-Type: text/xml',
    'Content-Length: #',
    'X-Transcend-Version: 1',
  ],
  [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<config-auth client="vpn" type="auth-request">',
    '<version who="sg">0.1(1)</version>',
    '<auth id="main">',
    '<banner>Authorised users only</banner><message>Please enter your username.</message>',
    '<form method="post" action="/auth">',
    '<input type="text" name="username" label="Username:" />',
    '<select name="group_list" label="Group:">',
    '<option>DEFAULT</option>',
    '<option value="staff">staff</option>',
    '<option value="guests">Guest users</option>',
    '</select>',
    '</form></auth>',
    '</config-auth>',
  ],
);

const CONNECTED = http(
  'HTTP/1.1 200 CONNECTED',
  'X-CSTP-Version: 1',
  'X-CSTP-Server-Name: OpenConnect VPN Server',
  'X-CSTP-DPD: 90',
  'X-CSTP-Default-Domain: corp.example.com',
  'X-CSTP-Address: 192.168.77.72',
  'X-CSTP-Netmask: 255.255.255.0',
  'X-CSTP-Address-IP6: fda9:4efe:7e3b:1ba5:e1ae:7644:9dfb:872/128',
  'X-CSTP-DNS: 192.168.77.1',
  'X-CSTP-Split-DNS: corp.example.com',
  'X-CSTP-Split-Include: 192.168.77.0/255.255.255.0',
  'X-CSTP-Split-Include: 10.20.0.0/255.255.0.0',
  'X-CSTP-Split-Include-IP6: fd12:3456::/48',
  'X-CSTP-Tunnel-All-DNS: false',
  'X-CSTP-Client-Bypass-Protocol: false',
  'X-CSTP-Split-Exclude: 10.20.5.0/255.255.255.0',
  'X-CSTP-Keepalive: 32400',
  'X-CSTP-Idle-Timeout: none',
  'X-CSTP-Smartcard-Removal-Disconnect: true',
  'X-CSTP-Rekey-Time: 172776',
  'X-CSTP-Rekey-Method: ssl',
  'X-CSTP-Session-Timeout: 0',
  'X-CSTP-Session-Timeout-Remaining: 0',
  'X-CSTP-Disconnected-Timeout: none',
  'X-CSTP-Keep: true',
  'X-CSTP-TCP-Keepalive: true',
  'X-CSTP-License: accept',
  'X-DTLS-DPD: 90',
  'X-DTLS-Port: 4443',
  'X-DTLS-Rekey-Time: 172786',
  'X-DTLS-Rekey-Method: ssl',
  'X-DTLS-Keepalive: 32400',
  'X-DTLS-App-ID: f15b7f6f928d4cab75342770c996a545d398ca118f72625cf6c5a2b8d9c83282',
  'X-DTLS-CipherSuite: PSK-NEGOTIATE',
  'X-CSTP-Base-MTU: 1500',
  'X-CSTP-MTU: 1434',
  'X-CSTP-Banner: Welcome to the example lab',
);

/** A CSTP packet without payload, of this type. */
const packet = (type: number): Buffer => Buffer.from([0x53, 0x54, 0x46, 0x01, 0, 0, type, 0]);

interface Played extends AsyncDisposable {
  readonly gateway: ScriptedGateway;
  readonly lab: LightLab;
  /** The lines of the requests that came. */
  readonly asked: string[];
  readonly socket: Promise<TLSSocket>;
}

/** A client before a server that answers by the script of each connection, the last one for all that follow. */
async function play(...scripts: string[][]): Promise<Played> {
  const asked: string[] = [];
  const socket = Promise.withResolvers<TLSSocket>();
  let connections = 0;
  const gateway = await scriptedGateway(async (connection) => {
    const requests = requestsOf(connection);
    for (const answer of scripts[Math.min(connections++, scripts.length - 1)]!) {
      const { method, target, headers } = await requests.next();
      const bearer = headers.some(([name]) => name.toLowerCase() === 'authorization') ? ' with a token' : '';
      const cookie = headers.find(([name]) => name.toLowerCase() === 'cookie')?.[1];
      asked.push(`${method} ${target}${bearer}${cookie === undefined ? '' : ` ${cookie}`}`);
      connection.write(answer);
    }
    socket.resolve(connection);
  });
  const lab = new LightLab(gateway);
  return {
    ...{ gateway, lab, asked, socket: socket.promise },
    async [Symbol.asyncDispose]() {
      await lab[Symbol.asyncDispose]();
      await gateway[Symbol.asyncDispose]();
    },
  };
}

const COOKIE = 'webvpn=AGowyQGA8VySJoIVux+0UZNZS8Ys2WEqsBAYs08EwhI=';

t.test('a login with a token, and the tunnel that came of it', async (t) => {
  await using one = await play([CHALLENGE, COMPLETE, CONNECTED]);
  t.match(await one.lab.client.connect(), {
    address4: '192.168.77.72',
    netmask4: '255.255.255.0',
    address6: 'fda9:4efe:7e3b:1ba5:e1ae:7644:9dfb:872',
    mtu: 1434,
    dnsServers: ['192.168.77.1'],
    defaultDomain: 'corp.example.com',
    routesInclude: ['192.168.77.0/255.255.255.0', '10.20.0.0/255.255.0.0', 'fd12:3456::/48'],
    routesExclude: ['10.20.5.0/255.255.255.0'],
    dpd: 90,
    keepalive: 32_400,
    rekeyTime: 172_776,
    rekeyMethod: 'ssl',
    dtls: { port: 4443, cipher: 'PSK-NEGOTIATE', dpd: 90, keepalive: 32_400 },
  });
  t.strictSame(one.asked, ['POST /', 'POST / with a token', `CONNECT /CSCOSSLC/tunnel ${COOKIE}`]);
});

t.test('a token that it refused: expired, of another audience, or with a wrong signature', async (t) => {
  await using one = await play([CHALLENGE, REFUSED]);
  await t.rejects(one.lab.client.connect(), {
    code: 'ERR_CLIENT_TOKEN_REFUSED',
    message: /401 Authentication failed/,
  });
  t.equal(one.lab.client.state, 'ended');
  t.equal(one.asked.length, 2, 'the token is not sent again');
});

t.test('a server that wants a name and a password', async (t) => {
  await using one = await play([FORM]);
  await t.rejects(one.lab.client.connect(), { code: 'ERR_CLIENT_PROTOCOL', details: { came: 'other-login' } });
  t.strictSame(one.asked, ['POST /'], 'and gets no token');
});

t.test('a connection that broke, and a cookie that it no longer knew', async (t) => {
  await using one = await play([CHALLENGE, COMPLETE, CONNECTED], [CONNECTED], [COOKIE_REFUSED]);
  await one.lab.client.connect();
  one.lab.carrier.cut();
  await one.lab.until(() => one.lab.told.filter((each) => each === 'connected').length === 2);
  t.equal(one.lab.client.configuration!.address4, '192.168.77.72');
  one.lab.carrier.cut();
  await one.lab.until(() => one.lab.error !== undefined);
  t.match(one.lab.error, { code: 'ERR_CLIENT_SESSION_REFUSED', message: /401 Cookie is not acceptable/ });
  t.strictSame(one.asked.slice(3), [`CONNECT /CSCOSSLC/tunnel ${COOKIE}`, `CONNECT /CSCOSSLC/tunnel ${COOKIE}`]);
});

t.test('the end of a session by an administrator or a time limit: a disconnect packet without a word', async (t) => {
  await using one = await play([CHALLENGE, COMPLETE, CONNECTED]);
  await one.lab.client.connect();
  (await one.socket).write(packet(5));
  await one.lab.until(() => one.lab.error !== undefined);
  t.match(one.lab.error, { code: 'ERR_CLIENT_DISCONNECTED', message: 'The gateway ended the session.' });
  t.equal(one.lab.client.state, 'ended');
});
