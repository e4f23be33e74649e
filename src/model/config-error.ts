import { OpenLedgerError } from '../errors.ts';

/** The field is understood, and this engine does not do what it says. */
export function unsupportedConfig(field: string, value: unknown, supported: string): OpenLedgerError {
  return new OpenLedgerError({
    code: 'model/unsupported-config',
    what: `This model cannot be run: config.json has ${field} = ${String(JSON.stringify(value)).slice(0, 80)}.`,
    why: `The engine supports ${supported}.`,
    next: 'Choose another model.',
  });
}

/** The field is missing, impossible or beyond this engine's bounds. */
export function badConfig(field: string, why: string): OpenLedgerError {
  return new OpenLedgerError({
    code: 'model/bad-config',
    what: 'This model cannot be run: its config.json is not right.',
    why: `${field} ${why}.`,
    next: 'Fetch the model again, or choose another.',
  });
}
