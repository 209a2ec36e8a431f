import { benchmarksOf, runBenchmarks } from '../support/bench.ts';

runBenchmarks(benchmarksOf('capture/', 'control/', 'dtls/engine', 'dtls/memory', 'faults/', 'tunnel/aead'));
