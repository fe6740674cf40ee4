import { Logger } from '@nestjs/common';
import { countOf, doctorView, isHealthy } from '../../operate/doctor/doctor-view.js';
import type { DoctorFinding } from '../../operate/doctor/complaint.js';
import type { DoctorReport } from '../../operate/doctor/doctor.js';
import { CommandFailure, EXIT } from '../output/command-failure.js';
import { escapeControl } from '../output/escape-control.js';
import { counted } from '../output/format.js';
import { brokenAtSpaces } from '../output/table.js';
import { flag, type CommandDeclaration, type OptionsOf } from '../running/command-declaration.js';
import { SessionsCommandRunner } from '../running/sessions-command-runner.js';
import { json } from '../running/shared-options.js';

const OPTIONS = {
  repair: flag('mends counters, indexes, modes, orphans, and records whose file is gone'),
  json: json(),
};

const INDENT = '  ';

/** Says what is wrong with store and files; with `--repair`, mends what is safe. */
export class DoctorCommand extends SessionsCommandRunner<typeof OPTIONS> {
  static readonly declaration: CommandDeclaration = {
    name: 'doctor',
    description: 'compares counters, records and files; --repair mends what is safe',
    example: '--repair',
    options: OPTIONS,
  };

  protected override async execute(
    _parameters: readonly string[],
    { repair, json: asJson }: OptionsOf<typeof OPTIONS>,
    signal: AbortSignal,
  ): Promise<void> {
    const core = await this.access.open();
    const { Doctor } = await import('../../operate/doctor/doctor.js');
    const doctor = new Doctor(core, new Logger('SessionCleanup'));
    const report = repair
      ? await this.deedsOn(core).repair(() => doctor.repair(signal))
      : await doctor.examine(signal);
    if (asJson) await this.terminal.printJson(doctorView(report));
    else await this.terminal.print(this.page(report));
    if (isHealthy(report)) return;
    throw new CommandFailure(report.mended.length > 0 ? EXIT.partlyDone : EXIT.failure, '');
  }

  private page(report: DoctorReport): string {
    const parts = [
      ...report.mended.map((finding) => this.entry('MENDED', finding, null)),
      ...report.findings.map((finding) =>
        this.entry(finding.severity.toUpperCase(), finding, finding.remedy),
      ),
    ];
    const counts = [
      counted(countOf(report, 'error'), 'error'),
      counted(countOf(report, 'warning'), 'warning'),
      counted(countOf(report, 'info'), 'note'),
    ];
    if (report.mended.length > 0) counts.push(`${report.mended.length} mended`);
    return `${parts.join('')}${isHealthy(report) ? 'Healthy' : 'Not healthy'}: ${counts.join(', ')}.\n`;
  }

  private entry(title: string, { code, what }: DoctorFinding, remedy: string | null): string {
    const lines = [what, ...(remedy === null ? [] : [`→ ${remedy}`])].flatMap((text) =>
      brokenAtSpaces(escapeControl(text), this.terminal.width - INDENT.length).split('\n'),
    );
    return `${this.terminal.bold(title)}  ${code}\n${lines.map((line) => `${INDENT}${line}\n`).join('')}\n`;
  }
}
