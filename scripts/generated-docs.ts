import { configJsonSchema } from '../src/config/index.ts';
import { planJsonSchema } from '../src/load/index.ts';
import { scenarioJsonSchema } from '../src/scenario/index.ts';
import { aadstsPage } from './pages/aadsts-page.ts';
import { apiPages } from './pages/api-page.ts';
import { cliPage } from './pages/cli-page.ts';
import { configurationPage } from './pages/configuration-page.ts';
import { defaultsPage } from './pages/defaults-page.ts';
import { errorsPage } from './pages/errors-page.ts';
import { eventFieldsModule, eventsPage } from './pages/events-page.ts';
import { explainPage } from './pages/explain-page.ts';
import { resourcesPage } from './pages/resources-page.ts';
import { restPage } from './pages/rest-page.ts';
import { ocservBars } from './pictures/ocserv-bars.ts';

/** The text of each generated file, by its path from docs/. */
export async function generatedDocs(): Promise<Record<string, string>> {
  return {
    'config.schema.json': `${JSON.stringify(configJsonSchema(), undefined, 2)}\n`,
    'scenario.schema.json': `${JSON.stringify(scenarioJsonSchema(), undefined, 2)}\n`,
    'load.schema.json': `${JSON.stringify(planJsonSchema(), undefined, 2)}\n`,
    'images/beside-ocserv.svg': ocservBars(),
    'reference/aadsts-codes.md': aadstsPage(),
    ...apiPages(),
    'reference/cli.md': await cliPage(),
    'reference/configuration.md': configurationPage(),
    'reference/defaults.md': defaultsPage(),
    'reference/errors.md': errorsPage(),
    'reference/events.md': eventsPage(),
    'reference/explain.md': explainPage(),
    'reference/resources.md': resourcesPage(),
    'reference/rest.md': await restPage(),
    '../src/telemetry/event-fields.ts': eventFieldsModule(),
  };
}
