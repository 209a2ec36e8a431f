import { OPENCONNECT_SCENARIOS, runOpenconnectScenarios } from '../support/openconnect-scenarios.ts';

// The second half of the scenarios that ship for a stock openconnect.
runOpenconnectScenarios(OPENCONNECT_SCENARIOS.slice(7));
