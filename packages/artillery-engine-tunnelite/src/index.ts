/** An engine for Artillery. Artillery loads it itself, for scripts with `engines: { tunnelite: {} }`. */
import { TunneliteEngine } from './engine.ts';

export { EngineError, type EngineErrorCode } from './errors.ts';
// Releases of Artillery that call require() use the whole module as the engine.
export { TunneliteEngine, TunneliteEngine as default, TunneliteEngine as 'module.exports' };
