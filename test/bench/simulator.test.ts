import { benchmarksOf, runBenchmarks } from '../support/bench.ts';

runBenchmarks(benchmarksOf('startup', 'bearer/', 'journal/', 'simulator/', 'world', 'netstack/main'));
