import { type Profile, type ProfileEntry, type Profiler, ProfileTable } from '../profile.ts';
import type { Work } from '../work.ts';
import type { Commands } from './commands.ts';

/** By the device's clock where it tells it; otherwise each dispatch is submitted alone, and waited for. */
export class GpuProfiler implements Profiler {
  private readonly device: string;
  private readonly commands: Commands;
  private table: ProfileTable | undefined;
  private clock: Profile['clock'] = 'submissions';

  constructor(device: string, commands: Commands) {
    this.device = device;
    this.commands = commands;
  }

  start(): void {
    this.clock = this.commands.startTiming();
    this.table = new ProfileTable();
  }

  async stop(): Promise<Profile> {
    const table = this.table ?? new ProfileTable();
    await this.commands.stopTiming();
    this.table = undefined;
    return table.finish(this.device, this.clock);
  }

  /** Where the dispatches of a call are noted, while profiling. */
  call(operation: string, variant: string, work: Work): ProfileEntry | undefined {
    return this.table?.call(operation, variant, work);
  }
}
