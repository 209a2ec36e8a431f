import t from 'tap';
import { skipUnless } from '../support/interop.ts';
import { LightLab } from '../support/light-lab.ts';
import { OCSERV_INNER, ocservSignIn, startOcserv } from '../support/ocserv.ts';

/* The light client against ocserv: connections that break, keys that are renewed, and UDP that dies. */

const options = { skip: skipUnless({ programs: ['ocserv', 'ocpasswd'], root: true, tun: true }) };
// Each server takes its time to start and to stop, and one test waits for a handshake to be given up.
t.setTimeout(120_000);

const AGENT = { userAgent: 'Open AnyConnect VPN Agent v9.01' };

t.test('a connection that broke is had again with the cookie, with the same address', options, async (t) => {
  await using server = await startOcserv();
  await using lab = new LightLab(server, AGENT, ocservSignIn);
  const { address4 } = await lab.client.connect();
  await lab.until(() => lab.client.channel === 'dtls');
  lab.carrier.cut();
  await lab.until(() => lab.client.state === 'waiting');
  await lab.until(() => lab.client.state === 'connected');
  t.equal(lab.client.configuration!.address4, address4);
  await lab.until(() => lab.client.channel === 'dtls');
  t.equal(await lab.ping(OCSERV_INNER), 'dtls dtls');
});

t.test('keys are renewed by a new tunnel', options, async (t) => {
  await using server = await startOcserv(['rekey-method = new-tunnel']);
  await using lab = new LightLab(server, AGENT, ocservSignIn);
  t.equal((await lab.client.connect()).rekeyMethod, 'new-tunnel');
  await lab.until(() => lab.client.channel === 'dtls');
  lab.client.rekey();
  await lab.until(() => lab.client.state === 'connected');
  await lab.until(() => lab.client.channel === 'dtls');
  t.equal(await lab.ping(OCSERV_INNER), 'dtls dtls');
  t.equal(lab.carrier.connections, 2);
});

t.test('data moves to TLS when UDP dies, and back when it lives again', options, async (t) => {
  await using server = await startOcserv();
  await using lab = new LightLab(server, AGENT, ocservSignIn);
  await lab.client.connect();
  await lab.until(() => lab.client.channel === 'dtls');
  t.equal(await lab.ping(OCSERV_INNER), 'dtls dtls');
  lab.carrier.udpDown = true;
  const lost = lab.ping(OCSERV_INNER);
  await lab.until(() => lab.client.channel === 'tls');
  t.equal(await lab.ping(OCSERV_INNER), 'tls tls');
  await lost;
  lab.carrier.udpDown = false;
  await lab.until(() => lab.client.channel === 'dtls');
  t.equal(await lab.ping(OCSERV_INNER), 'dtls dtls');
});

t.test(
  'keys are renewed when the server’s time for that has come, whatever it calls the method',
  options,
  async (t) => {
    await using server = await startOcserv(['rekey-time = 12', 'rekey-method = ssl']);
    await using lab = new LightLab(server, AGENT, ocservSignIn);
    t.match(await lab.client.connect(), { rekeyTime: 12, rekeyMethod: 'ssl' });
    const { address4 } = lab.client.configuration!;
    await lab.until(() => lab.client.channel === 'dtls');
    await lab.until(() => lab.client.state === 'rekeying');
    t.match(await lab.ping(OCSERV_INNER), /dtls|tls/, 'data passes meanwhile');
    await lab.until(() => lab.client.state === 'connected' && lab.client.channel === 'dtls');
    t.equal(await lab.ping(OCSERV_INNER), 'dtls dtls');
    t.equal(lab.client.configuration!.address4, address4);
  },
);
