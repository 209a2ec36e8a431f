/** A user-space TCP/IP host without sockets, timers or randomness of its own. See docs/reference/netstack.md. */
export { type Clock, ManualClock, systemClock, type Timer } from '../lib/clock.ts';
export { type RandomSource, seededRandom, systemRandom } from '../lib/random.ts';
export * from './core/types.ts';
export { driveNetstack, type NetstackDriver } from './driver.ts';
export { createNetstack } from './stack.ts';
