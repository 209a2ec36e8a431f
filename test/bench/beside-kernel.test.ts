import { benchmarksOf, runBenchmarks } from '../support/bench.ts';

runBenchmarks(benchmarksOf('dtls/udp', 'netstack/kernel', 'netstack/tun'));
