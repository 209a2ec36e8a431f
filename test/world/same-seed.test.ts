import { tellStoriesTwice } from '../support/same-seed.ts';

tellStoriesTwice(1, 50);
