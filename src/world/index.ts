export type { Reply } from './ask.ts';
export type { Page } from './page.ts';
export { createWorld, type World, type WorldOptions } from './world.ts';
export type { PageOptions, WorldClient } from './world-client.ts';
