import t from 'tap';
import { appConfiguration } from '../../src/client/index.ts';
import { readSdkConfig } from '../../src/client/sdk-config.ts';
import { MAM_RESOURCE_ID } from '../../src/entra/directory/index.ts';
import { graphClient } from '../support/graph.ts';
import { skipUnless } from '../support/interop.ts';
import { LightLab } from '../support/light-lab.ts';
import { OCSERV_INNER, ocservSignIn, startOcserv } from '../support/ocserv.ts';
import { LOB, makePolicies, signIn } from '../support/policies.ts';
import { start } from '../support/running-simulator.ts';

/*
 * A policy that names a gateway which is not ours: the app gets it, and the client finds ocserv by it. Debian's ocserv has no sign-in by token,
 * so that it is signed in to by name and password.
 */

const options = { skip: skipUnless({ programs: ['ocserv', 'ocpasswd'], root: true, tun: true }) };
t.setTimeout(120_000);

t.test('the address of a delivered policy leads to ocserv', options, async (t) => {
  await using server = await startOcserv();
  const sim = await start(t);
  const graph = await graphClient(t, sim);
  await makePolicies(sim, graph, {
    change: ({ appConfiguration: { body } }) => {
      const settings = body.customSettings as { name: string; value: string }[];
      settings.find(({ name }) => name.endsWith('.server_address'))!.value = `localhost:${server.port}`;
    },
  });
  const { settings } = await appConfiguration({
    authority: sim.urls.authority,
    token: await signIn(t, sim, `${MAM_RESOURCE_ID}/.default`),
    app: LOB,
    platform: 'ios',
    ca: sim.ca,
  });
  const read = readSdkConfig(settings);
  if (!read.server) throw new Error(read.problem);
  t.equal(read.server.hostname, 'localhost');
  t.equal(read.rules.resourceCa.length, 1);
  const found = { ...server, port: Number(read.server.port) };
  await using lab = new LightLab(found, { userAgent: 'Open AnyConnect VPN Agent v9.01' }, ocservSignIn);
  t.match(await lab.client.connect(), { address4: /^192\.168\.177\./ });
  await lab.until(() => lab.client.channel === 'dtls');
  t.equal(await lab.ping(OCSERV_INNER), 'dtls dtls');
  t.equal(sim.journal.count({ name: 'auth.challenge' }), 0, 'the gateway of the simulator was not asked');
});
