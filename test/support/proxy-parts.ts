import { resolveConfig } from '../../src/config/index.ts';
import type { createOnPremises } from '../../src/services/index.ts';

type Options = Parameters<typeof createOnPremises>[0];

/** What a mock network has for its proxies, where no test is about them: they lead nowhere. */
export const NO_WAY_ON: Pick<Options, 'settings' | 'onward' | 'inspector'> = {
  settings: resolveConfig().services,
  onward: (_target, _visitor, request) => {
    request.refuse({ kind: 'denied', explanation: 'Nothing is behind this proxy.' });
    return () => {};
  },
  inspector: {
    ca: () => Promise.reject(new Error('there is no inspecting CA')),
    certificate: () => Promise.reject(new Error('there is no inspecting CA')),
  },
};
