import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Reached, reachedBy } from './coverage.ts';
import type { ImportGraph } from './import-graph.ts';
import { runTest } from './run-test.ts';

/** A test file as it is without a change. */
export interface Baseline {
  readonly test: string;
  readonly passed: boolean;
  /** Milliseconds that it took with coverage. */
  readonly took: number;
  readonly because: string;
  readonly reached: Reached;
}

export interface BaselineInput {
  readonly test: string;
  /** A copy of the tree without a change. */
  readonly root: string;
  /** Where the baselines of earlier runs are. */
  readonly cache: string;
  readonly graph: ImportGraph;
  /** Milliseconds that any test may take. */
  readonly limit: number;
}

/** Runs a test once to see what it reaches; what is known of the same texts from before is taken from the cache. */
export async function baselineOf({ test, root, cache, graph, limit }: BaselineInput): Promise<Baseline> {
  const kept = join(cache, `${graph.fingerprint(test)}.json`);
  try {
    return JSON.parse(readFileSync(kept, 'utf8')) as Baseline;
  } catch {
    // Not seen yet.
  }
  const folder = join(root, '.tap', 'reached');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  // Code from the compile cache is counted less exactly.
  const env = { NODE_V8_COVERAGE: folder, NODE_DISABLE_COMPILE_CACHE: '1' };
  const { outcome, took, because } = await runTest({ root, test, limit, env });
  const baseline = { test, passed: outcome === 'passed', took, because, reached: reachedBy(folder, root) };
  if (baseline.passed) {
    mkdirSync(cache, { recursive: true });
    writeFileSync(kept, JSON.stringify(baseline));
  }
  return baseline;
}
