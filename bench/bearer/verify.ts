/**
 * Token verifications per second and p99 beside bare `jose.jwtVerify`, interleaved in one run.
 *
 *   node bench/bearer/verify.ts [seconds]
 */
import { build } from 'hdr-histogram-js';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { TOKEN_POLICIES } from '../../src/bearer/policy.ts';
import { createTokenVerifier } from '../../src/bearer/token-verifier.ts';
import { TUNNEL_RESOURCE_ID } from '../../src/lib/tunnel-api.ts';
import { createTestIssuer } from '../../test/support/issuer.ts';

const seconds = Number(process.argv[2] ?? 6);
// Short rounds in turn, so that what else the machine does meets all alike.
const ROUND = 25;

const idp = await createTestIssuer();
const { fetchJson, clock, authority, cloud, keys } = idp;
const token = await idp.token({ optionalClaims: ['acct'], roles: ['Reader'] });
const keySet = createLocalJWKSet({ keys: keys.keySet(2, cloud.issuerV2).keys as never });
const bare = {
  issuer: idp.request().issuer,
  audience: TUNNEL_RESOURCE_ID,
  algorithms: ['RS256'],
  currentDate: new Date(clock.now()),
};

interface Contender {
  readonly name: string;
  readonly run: () => Promise<unknown>;
  readonly histogram: ReturnType<typeof build>;
  count: number;
  elapsed: number;
}

const contender = (name: string, run: () => Promise<unknown>): Contender => ({
  name,
  run,
  histogram: build({ lowestDiscernibleValue: 1, highestTrackableValue: 10_000_000, numberOfSignificantValueDigits: 3 }),
  count: 0,
  elapsed: 0,
});

const contenders = [
  contender('jose.jwtVerify', () => jwtVerify(token, keySet, bare)),
  ...TOKEN_POLICIES.map((policy) => {
    const verifier = createTokenVerifier({ policy, authority, fetchJson, clock });
    return contender(policy, async () => {
      const verdict = await verifier.verify(token);
      if (!verdict.ok) throw new Error(verdict.refusal.explanation);
    });
  }),
];

async function round(one: Contender, record: boolean): Promise<void> {
  const start = performance.now();
  for (let i = 0; i < ROUND; i++) {
    const before = performance.now();
    await one.run();
    if (record) one.histogram.recordValue(Math.max(1, Math.round((performance.now() - before) * 1000)));
  }
  if (!record) return;
  one.count += ROUND;
  one.elapsed += performance.now() - start;
}

for (let i = 0; i < 40; i++) for (const one of contenders) await round(one, false);
const end = performance.now() + seconds * 1000;
while (performance.now() < end) for (const one of contenders) await round(one, true);

const [reference] = contenders as [Contender];
const micros = (one: Contender): number => (one.elapsed * 1000) / one.count;
console.log(`one after another, token of ${token.length} characters, RS256, 2048 bits, Node ${process.version}`);
const median = (one: Contender): number => one.histogram.getValueAtPercentile(50);
for (const one of contenders) {
  console.log(
    `${one.name.padEnd(16)} ${Math.round(1e6 / micros(one))
      .toString()
      .padStart(7)}/s  mean ${micros(one).toFixed(1)} µs  p50 ${median(one)} µs  ` +
      `p99 ${one.histogram.getValueAtPercentile(99)} µs  ` +
      `ratio of means ${(micros(one) / micros(reference)).toFixed(3)}, of medians ${(median(one) / median(reference)).toFixed(3)}`,
  );
}
const bad = { 'garbage, 16 KiB': 'A'.repeat(16_384), 'dots, 1 MiB': '.'.repeat(1 << 20) };
const verifier = createTokenVerifier({ policy: 'strict', authority, fetchJson, clock });
await verifier.load();
for (const [name, text] of Object.entries(bad)) {
  const start = performance.now();
  for (let i = 0; i < 1000; i++) await verifier.verify(text);
  console.log(`refused ${name.padEnd(16)} ${(performance.now() - start).toFixed(1)} µs each`);
}
