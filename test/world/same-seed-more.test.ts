import { tellStoriesTwice } from '../support/same-seed.ts';

tellStoriesTwice(51, 100);
