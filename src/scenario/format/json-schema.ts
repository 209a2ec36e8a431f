import { editorSchema } from '../../config/index.ts';
import { ScenarioSchema } from './schema.ts';

/** The JSON Schema of a scenario file, for editors. */
export const scenarioJsonSchema = (): Record<string, unknown> => editorSchema(ScenarioSchema);
