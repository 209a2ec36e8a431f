import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { cli } from '../support/cli.ts';
import { skipUnless } from '../support/interop.ts';
import { LightLab } from '../support/light-lab.ts';
import { OCSERV_INNER, ocservSignIn, startOcserv } from '../support/ocserv.ts';

/* The light client against ocserv: what it says is understood by a server that is not ours. */

const options = { skip: skipUnless({ programs: ['ocserv', 'ocpasswd'], root: true, tun: true }) };
// Each server takes its time to start and to stop.
t.setTimeout(120_000);

const AGENT = { userAgent: 'Open AnyConnect VPN Agent v9.01' };

t.test('DTLS with a key from the TLS connection, and a path of the full size', options, async (t) => {
  await using server = await startOcserv();
  await using lab = new LightLab(server, AGENT, ocservSignIn);
  const configuration = await lab.client.connect();
  t.match(configuration, {
    address4: /^192\.168\.177\./,
    mtu: 1434,
    dtls: { cipher: 'PSK-NEGOTIATE' },
  });
  t.match(await lab.ping(OCSERV_INNER), /^tls/);
  await lab.until(() => lab.client.channel === 'dtls');
  t.equal(lab.client.ciphers.dtls, 'TLS_PSK_WITH_AES_256_GCM_SHA384');
  t.equal(await lab.ping(OCSERV_INNER), 'dtls dtls');
  // The probe of the largest size has an answer.
  while (lab.client.mtu < configuration.mtu) await lab.ping(OCSERV_INNER);
  t.equal(lab.client.mtu, configuration.mtu);
  t.equal(await lab.ping(OCSERV_INNER, configuration.mtu), 'dtls dtls');
  await lab.client.close();
  await server.process.until(/user disconnected|disconnected.*reason: user/i);
});

t.test('legacy DTLS, where the server has no other', options, async (t) => {
  await using server = await startOcserv(['dtls-psk = false']);
  await using lab = new LightLab(server, AGENT, ocservSignIn);
  await lab.client.connect();
  await lab.until(() => lab.client.channel === 'dtls');
  t.match(lab.client.ciphers.dtls, /^TLS_.*RSA_WITH_AES_/);
  t.equal(await lab.ping(OCSERV_INNER), 'dtls dtls');
});

t.test('a server that has nothing to say is asked on both channels, and answers', options, async (t) => {
  await using server = await startOcserv(['dpd = 2']);
  await using lab = new LightLab(server, AGENT, ocservSignIn);
  t.equal((await lab.client.connect()).dpd, 2);
  await lab.until(() => lab.client.channel === 'dtls');
  await server.process.until(/(received TLS DPD[\s\S]*){3}/);
  await server.process.until(/(received DTLS DPD[\s\S]*){3}/);
  t.equal(lab.told.at(-1), 'dtls: the DTLS handshake is complete', 'nobody was given up');
  t.equal(await lab.ping(OCSERV_INNER), 'dtls dtls');
});

t.test('a path that lets only smaller datagrams through is found out', options, async (t) => {
  await using server = await startOcserv();
  await using lab = new LightLab(server, AGENT, ocservSignIn);
  lab.carrier.udpLimit = 1_100;
  await lab.client.connect();
  await lab.until(() => lab.client.channel === 'dtls');
  // The full size is tried first, and lost.
  t.match(await lab.ping(OCSERV_INNER, 1_400), /^tls/);
  while ((await lab.ping(OCSERV_INNER, 1_000)) !== 'dtls dtls');
  t.ok(lab.client.mtu >= 1_000 && lab.client.mtu < 1_100, `${lab.client.mtu}`);
  t.equal(lab.client.channel, 'dtls');
});

t.test('who connects with a token to a server that wants a password is told so', options, async (t) => {
  await using server = await startOcserv();
  const ca = join(t.testdir(), 'ca.pem');
  writeFileSync(ca, server.caPem);
  const { code, err } = await cli([
    ...['connect', '--server', `localhost:${server.port}`, '--cacert', ca, '--token', 'x.y.z'],
  ]);
  t.equal(code, 1);
  t.match(err, /a form to fill in[\s\S]*bearer[\s\S]*ERR_CLIENT_PROTOCOL/i);
  t.notMatch(err, /x\.y\.z/);
});
