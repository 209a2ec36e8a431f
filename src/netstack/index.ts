/** A user-space TCP/IP host without its own sockets, timers or random numbers. See docs/reference/netstack.md. */
export { type Clock, ManualClock, systemClock, type Timer } from '../lib/clock.ts';
export { type RandomSource, seededRandom, systemRandom } from '../lib/random.ts';
export * from './core/types.ts';
export { driveNetstack, type NetstackDriver } from './driver.ts';
export { createNetstack } from './stack.ts';
