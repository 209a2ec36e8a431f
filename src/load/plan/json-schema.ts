import { editorSchema } from '../../config/index.ts';
import { PlanSchema } from './schema.ts';

/** The JSON Schema of a plan, for editors. */
export const planJsonSchema = (): Record<string, unknown> => editorSchema(PlanSchema);
