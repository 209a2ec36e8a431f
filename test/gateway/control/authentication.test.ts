import t from 'tap';
import { AGENT, cookieOf, header, INIT, startTestGateway, statusLine } from '../../support/gateway.ts';

const CLEARED = 'expires=Thu, 01 Jan 1970 22:00:00 GMT; path=/; Secure; HttpOnly';

/** What the transcripts show for every final 401. */
const FAILED = 'HTTP/1.1 401 Authentication failed\r\nContent-Length: 0\r\n\r\n';

t.test('GET / gives a form without inputs, byte for byte as in the transcript', async (t) => {
  await using lab = await startTestGateway();
  const client = await lab.dial();
  const answer = await client.request('GET', '/');
  t.equal(
    answer,
    [
      'HTTP/1.1 200 OK',
      `Set-Cookie: webvpncontext=; ${CLEARED}`,
      'Content-Type: text/xml',
      'Content-Length: 250',
      'X-Transcend-Version: 1',
      '',
      '<?xml version="1.0" encoding="UTF-8"?>\n<config-auth client="vpn" type="auth-request">\n<version who="sg">0.1(1)</version>\n<auth id="main">\n<message>Please enter your username.</message>\n<form method="post" action="/auth">\n</form></auth>\n</config-auth>',
    ].join('\r\n'),
  );
  client.close();
});

t.test('POST without a token is challenged, and the connection stays open for the token', async (t) => {
  await using lab = await startTestGateway();
  const client = await lab.dial();
  const challenge = await client.request('POST', '/', [`User-Agent: ${AGENT}`], INIT);
  t.equal(challenge, 'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0\r\n\r\n');
  const answer = await client.login();
  const cookie = cookieOf(answer);
  t.match(cookie, /^[A-Za-z0-9+/]{43}$/, '32 bytes in base64, without the "=" that openconnect splits at');
  t.equal(
    answer,
    [
      'HTTP/1.1 200 OK',
      'Connection: Keep-Alive',
      'Content-Type: text/xml',
      'Content-Length: 232',
      'X-Transcend-Version: 1',
      `Set-Cookie: webvpncontext=${cookie}; Secure; HttpOnly`,
      `Set-Cookie: webvpn=${cookie}; Secure; HttpOnly`,
      `Set-Cookie: webvpnc=; ${CLEARED}`,
      `Set-Cookie: webvpnc=bu:/&p:t&iu:1/&sh:${lab.certificateHash}; path=/; Secure; HttpOnly`,
      '',
      '<?xml version="1.0" encoding="UTF-8"?>\n<config-auth client="vpn" type="complete">\n<version who="sg">0.1(1)</version>\n<auth id="success">\n<title>SSL VPN Service</title><banner>Welcome to the example lab</banner></auth></config-auth>\n',
    ].join('\r\n'),
  );
  t.equal(lab.events.of('auth.accepted')[0]?.user, 'adele@example.com');
  t.equal(lab.events.of('auth.accepted')[0]?.client, 'linux-64');
  client.close();
});

t.test('clients of version 3 and before get documents without the outer element', async (t) => {
  await using lab = await startTestGateway();
  const old = 'Open AnyConnect VPN Agent v3.99';
  const client = await lab.dial();
  const form = await client.request('GET', '/', [`User-Agent: ${old}`]);
  t.match(form, /\r\n\r\n<\?xml version="1.0" encoding="UTF-8"\?>\n<auth id="main">\n/);
  const answer = await client.login('good', old);
  t.equal(header(answer, 'Content-Length'), '140');
  t.match(
    answer,
    /\?>\n<auth id="success">\n<title>SSL VPN Service<\/title><banner>Welcome to the example lab<\/banner><\/auth>\n$/,
  );
  client.close();
});

t.test('the scheme is read as the real server reads it', async (t) => {
  await using lab = await startTestGateway();
  const cases: [sent: string, status: string][] = [
    ['Bearer good', 'HTTP/1.1 200 OK'],
    ['bearer good', 'HTTP/1.1 200 OK'],
    ['Bearer=good', 'HTTP/1.1 200 OK'],
    ['BearerXgood', 'HTTP/1.1 200 OK'],
    ['Bearer  good', 'HTTP/1.1 401 Authentication failed'],
    ['Bearer abc.def.ghi', 'HTTP/1.1 401 Authentication failed'],
    ['Bearer ', 'HTTP/1.1 401 Authentication failed'],
    ['Bearer', 'HTTP/1.1 401 Authentication failed'],
    ['Basic dXNlcjpwdw==', 'HTTP/1.1 401 Authentication failed'],
  ];
  for (const [sent, status] of cases) {
    const client = await lab.dial();
    const answer = await client.request('POST', '/', [`Authorization: ${sent}`], INIT);
    t.equal(statusLine(answer), status, sent);
    if (status.includes('401')) {
      t.equal(answer, FAILED);
      await client.ended;
    }
    client.close();
  }
});

t.test('with the strict prefix, everything but "Bearer", a space and a token is challenged', async (t) => {
  await using lab = await startTestGateway({ bearerPrefix: 'strict' });
  const client = await lab.dial();
  for (const sent of ['Bearer=good', 'Basic dXNlcjpwdw==', 'Bearer', 'Bearer  good']) {
    const answer = await client.request('POST', '/', [`Authorization: ${sent}`], INIT);
    t.equal(statusLine(answer), 'HTTP/1.1 401 Unauthorized', sent);
    t.equal(header(answer, 'WWW-Authenticate'), 'Bearer');
  }
  t.equal(statusLine(await client.request('POST', '/', ['Authorization: Bearer good'], INIT)), 'HTTP/1.1 200 OK');
  client.close();
});

t.test('a refused token closes the connection; the wire does not say why, the log does', async (t) => {
  await using lab = await startTestGateway();
  const client = await lab.dial();
  t.equal(await client.login('expired'), FAILED);
  await client.ended;
  t.match(lab.events.of('auth.refused'), [{ reason: 'malformed', explanation: 'The token was "expired".' }]);
});

t.test('a second login on the connection that has one is refused', async (t) => {
  await using lab = await startTestGateway();
  const client = await lab.dial();
  await client.login();
  t.equal(await client.login(), FAILED);
  await client.ended;
});

t.test('any path and any body take a token', async (t) => {
  await using lab = await startTestGateway();
  for (const [target, body] of [
    ['/auth', INIT],
    ['/some/other/path?x=1', INIT],
    ['/', ''],
    ['/', 'username=alice&group%5flist=staff'],
    [
      '/',
      '<!DOCTYPE lolz [<!ENTITY a "b"><!ENTITY c "&a;&a;&a;">]><?xml version="1.0"?><config-auth>&c;</config-auth>',
    ],
  ] as const) {
    const client = await lab.dial();
    const answer = await client.request('POST', target, ['Authorization: Bearer good'], body);
    t.equal(statusLine(answer), 'HTTP/1.1 200 OK', `${target} ${body.slice(0, 20)}`);
    client.close();
  }
});

t.test('a token that was sent once holds for the whole connection, on GET it does nothing', async (t) => {
  await using lab = await startTestGateway();
  const client = await lab.dial();
  const form = await client.request('GET', '/', [`User-Agent: ${AGENT}`, 'Authorization: Bearer good']);
  t.equal(header(form, 'Content-Length'), '250');
  t.equal(statusLine(await client.request('POST', '/', [], INIT)), 'HTTP/1.1 200 OK');
  client.close();
});

t.test('a load balancer that asks GET / with an agent of its own hears that the server is alive', async (t) => {
  await using lab = await startTestGateway();
  const client = await lab.dial();
  for (const headers of [['User-Agent: Azure-LB/1.0'], []]) {
    const answer = await client.request('GET', '/', headers);
    t.equal(statusLine(answer), 'HTTP/1.1 200 OK');
    t.equal(header(answer, 'Content-Type'), 'text/xml');
    t.match(answer, /\r\n\r\n<message>I am still alive!!<\/message>$/);
  }
  client.close();
});

t.test('stub files, certificates and unknown pages are answered as in the transcript', async (t) => {
  await using lab = await startTestGateway();
  const client = await lab.dial();
  const html =
    'HTTP/1.1 200 OK\r\nConnection: Keep-Alive\r\nContent-Type: text/html\r\nX-Transcend-Version: 1\r\nContent-Length: 14\r\n\r\n<html></html>\n';
  t.equal(await client.request('GET', '/1/index.html'), html);
  t.equal(await client.request('GET', '/logout'), html);
  t.match(await client.request('GET', '/1/VPNManifest.xml'), /Content-Length: 62\r\n/);
  t.match(await client.request('GET', '/1/binaries/update.txt'), /Content-Length: 9\r\n\r\n0,0,0000\n$/);
  t.match(
    await client.request('GET', '/1/binaries/vpndownloader.sh'),
    /Content-Length: 17\r\n\r\n#!\/bin\/sh\n\nexit 0$/,
  );
  t.match(await client.request('GET', '/+CSCOT+/'), /<vpn rev="1.0">/);
  const cert = await client.request('GET', '/cert.pem');
  t.equal(header(cert, 'Content-Type'), 'application/x-pem-file');
  t.ok(lab.certPem.startsWith(cert!.slice(cert!.indexOf('-----BEGIN')).trim()));
  t.equal(header(await client.request('GET', '/ca.pem'), 'Content-Type'), 'application/pkix-cert');
  t.match(await client.request('GET', '/svc'), /Set-Cookie: webvpnlogin=1; secure\r\n/);
  t.equal(
    await client.request('GET', '/+CSCOT+/translation-table?textdomain=AnyConnect'),
    'HTTP/1.1 404 Not found\r\nContent-Length: 50\r\nConnection: close\r\n\r\n<html><body><h1>404 Not Found</h1></body></html>\r\n',
  );
  await client.ended;
});

t.test('methods other than GET, POST and CONNECT are not found', async (t) => {
  await using lab = await startTestGateway();
  for (const method of ['HEAD', 'PUT', 'OPTIONS', 'DELETE', 'BREW']) {
    const client = await lab.dial();
    t.equal(statusLine(await client.request(method, '/')), 'HTTP/1.1 404 Not found', method);
    await client.ended;
  }
});

t.test('a profile needs a session, and there is none to send', async (t) => {
  await using lab = await startTestGateway();
  const stranger = await lab.dial();
  t.equal(await stranger.request('GET', '/profiles/x.xml'), 'HTTP/1.1 503 Service Unavailable\r\n\r\n');
  await stranger.ended;
  const known = await lab.dial();
  await known.login();
  t.equal(statusLine(await known.request('GET', '/profiles/x.xml')), 'HTTP/1.1 404 Not found');
  await known.ended;
});
