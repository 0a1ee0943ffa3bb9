import { join } from 'node:path';

/** Absolute path of the checkout: the folder that holds the root `package.json`. */
export const CHECKOUT = join(import.meta.dirname, '..', '..', '..');
