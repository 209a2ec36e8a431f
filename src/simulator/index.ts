export {
  runSimulator,
  type Simulator,
  type SimulatorRuntime,
  type SimulatorUrls,
  startSimulator,
} from './simulator.ts';
