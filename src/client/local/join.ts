import { type Duplex, pipeline } from 'node:stream';

/** Joins two streams. Each direction ends separately, so half-close is preserved; if either fails, both end. */
export function joinStreams(one: Duplex, other: Duplex): void {
  const done = (error: unknown): void => {
    if (!error) return;
    one.destroy();
    other.destroy();
  };
  pipeline(one, other, done);
  pipeline(other, one, done);
}
