/**
 * Share of stage-jobs that are audited where a test is about something else: as good as none. An audit loads the layers and computes the job a second time, which is half of
 * what a network of tabs takes; new workers are audited each time otherwise.
 */
export const HARDLY_EVER = 0.001;
