import { timeOf } from '../units.js';
import type { DoctorFinding, Severity } from './complaint.js';
import type { DoctorReport } from './doctor.js';

/** Whether nothing needs somebody. */
export function isHealthy({ findings }: DoctorReport): boolean {
  return findings.every(({ severity }) => severity === 'info');
}

export function countOf({ findings }: DoctorReport, severity: Severity): number {
  return findings.filter((finding) => finding.severity === severity).length;
}

/** The report as JSON for operators. */
export function doctorView(report: DoctorReport) {
  return {
    checked_at: timeOf(report.at),
    healthy: isHealthy(report),
    errors: countOf(report, 'error'),
    warnings: countOf(report, 'warning'),
    notes: countOf(report, 'info'),
    findings: report.findings.map(viewOf),
    mended: report.mended.map(viewOf),
  };
}

function viewOf({ code, severity, subject, what, remedy, mendable }: DoctorFinding) {
  return { code, severity, subject, what, remedy, mendable };
}
