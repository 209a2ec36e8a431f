import type { Test } from 'tap';
import { startSimulator } from '../../src/index.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { type PairingFacts, startPairing } from '../../src/pairing/index.ts';

const TENANT = '11111111-2222-4333-8444-555555555555';

/** What a page says of a gateway called `name`. */
export function pairingFacts(ca: PairingFacts['ca'], name = 'dev.local'): PairingFacts {
  return {
    name,
    address: '127.0.0.1',
    serverAddress: `${name}:8443`,
    udp: true,
    mtu: 1500,
    ca,
    identity: {
      authority: `https://${name}:8444/${TENANT}`,
      tenantId: TENANT,
      clientId: '1f6a7e3c-0000-4000-8000-0000000010b0',
      redirectUri: 'msauth.com.contoso.lob://auth',
      bundleId: 'com.contoso.lob',
      user: 'alice@contoso.com',
    },
  };
}

/** A page for phones on loopback, with the codes that were shown so far. */
export async function pairingLab(t: Test, change: Partial<PairingFacts> = {}) {
  const sim = await startSimulator();
  t.teardown(() => sim.close());
  const codes: string[] = [];
  const clock = new ManualClock();
  const { fingerprint } = sim.certificates.ca;
  const facts = { ...pairingFacts({ pem: sim.ca, fingerprint }), ...change };
  const server = await startPairing({
    facts,
    host: '127.0.0.1',
    port: 0,
    clock,
    random: systemRandom,
    emit: sim.emit,
    token: () => sim.mintToken(),
    onCode: (code) => codes.push(code),
  });
  t.teardown(() => server.close());
  return { sim, server, codes, clock, facts };
}
