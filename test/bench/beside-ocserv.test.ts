import { benchmarksOf, runBenchmarks } from '../support/bench.ts';

runBenchmarks(benchmarksOf('tunnel/main'));
