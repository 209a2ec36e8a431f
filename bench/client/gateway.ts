/**
 * A simulator in a process of its own, for clients on this machine. Prints one line of JSON when it is ready, and ends with its input.
 *
 *   node bench/client/gateway.ts
 */
import { startSimulator } from '../../src/index.ts';

const sim = await startSimulator({
  // Nothing of these happens while it is measured.
  gateway: { network: '10.64.0.0/14', maxSessions: 200_000, dpd: 1800, sessionTimeout: null, cookieTimeout: 3600 },
  journal: { level: 'warn' },
});
console.log(JSON.stringify({ url: sim.urls.gateway, ca: sim.ca, token: await sim.token() }));
for await (const _line of process.stdin);
await sim.close();
process.exit(0);
