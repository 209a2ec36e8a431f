export { checkDirectory, directoryWarnings } from './check-directory.ts';
export { checkIntune } from './check-intune.ts';
export { clientFacts } from './client-facts.ts';
export type { SessionControls } from './sessions.ts';
export type { ResetResult, Simulator, SimulatorUrls } from './simulator.ts';
export { runSimulator, type SimulatorRuntime, startSimulator } from './start.ts';
