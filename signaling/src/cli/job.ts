/** `npm run job`: a private coordinator, headless volunteers, one job, its audits and evidence. Exit 0 on an answer, 2 on wrong usage, 1 otherwise. */
import { parseJobOptions } from './job-options.ts';
import { runCommand } from './run-command.ts';
import { runJob } from './run-job.ts';

await runCommand(async (signal) => void (await runJob(parseJobOptions(process.argv.slice(2)), {}, signal)));
