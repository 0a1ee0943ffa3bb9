/**
 * What an engine does at its next run. `hang`: never comes back, and blocks its thread. `stand`: never comes back, and leaves the thread
 * alone, as a graphics device that hangs. `out-of-memory`: asks for more than there is. `device-lost`: its graphics devices are destroyed.
 */
export type PageFault = 'hang' | 'stand' | 'out-of-memory' | 'device-lost';

/** Property of the worker's global object that a test sets. */
export const FAULT_FLAG = 'ciroFault';
