import { benchmarksOf, runBenchmarks } from '../support/bench.ts';

runBenchmarks(benchmarksOf('client/openconnect'));
