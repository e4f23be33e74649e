import { OpenLedgerError } from '../../errors.ts';

export function deviceLost(reason: string): OpenLedgerError {
  return new OpenLedgerError({
    code: 'webgpu/device-lost',
    what: 'The graphics processor stopped in the middle of the work.',
    why: reason || 'The browser or the driver took the device away.',
    next: 'Start the work again; if it happens again, choose the CPU in the settings.',
  });
}

export function unavailable(why: string, cause?: unknown): OpenLedgerError {
  return new OpenLedgerError({
    code: 'webgpu/unavailable',
    what: 'No graphics processor can be used through WebGPU here.',
    why,
    next: 'The CPU does the same work to the same bits; choose it, or update the browser and its graphics driver.',
    cause,
  });
}

export function shaderFailed(operation: string, why: string): OpenLedgerError {
  return new OpenLedgerError({
    code: 'webgpu/shader-failed',
    what: `The graphics driver refused the program for "${operation}".`,
    why,
    next: 'Choose the CPU in the settings; it does the same work to the same bits.',
  });
}

export function callFailed(why: string): OpenLedgerError {
  return new OpenLedgerError({
    code: 'webgpu/call-failed',
    what: 'The graphics processor refused an instruction.',
    why,
    next: 'Choose the CPU in the settings; it does the same work to the same bits.',
  });
}

export function outOfMemory(name: string, bytes: number): OpenLedgerError {
  return new OpenLedgerError({
    code: 'webgpu/out-of-memory',
    what: `The graphics processor has no room for "${name}" (${(bytes / 2 ** 20).toFixed(1)} MiB).`,
    why: 'Its memory is full, or other programs hold it.',
    next: 'Close other pages that use graphics, use a smaller batch or model, or choose the CPU.',
  });
}

export function tooLarge(name: string, bytes: number, limit: number): OpenLedgerError {
  return new OpenLedgerError({
    code: 'webgpu/tensor-too-large',
    what: `"${name}" takes ${(bytes / 2 ** 20).toFixed(1)} MiB, more than this graphics processor lets one tensor have.`,
    why: `Its limit is ${(limit / 2 ** 20).toFixed(1)} MiB.`,
    next: 'Use a smaller batch or model, or choose the CPU.',
  });
}

export function tooManyBuffers(operation: string, wanted: number, limit: number): OpenLedgerError {
  return new OpenLedgerError({
    code: 'webgpu/too-many-buffers',
    what: `"${operation}" reads and writes ${wanted} tensors at once, more than this graphics processor binds.`,
    why: `Its limit is ${limit} storage buffers in one program.`,
    next: 'Choose the CPU in the settings; it does the same work to the same bits.',
  });
}

export function workgroupTooLarge(operation: string, wanted: number, limit: number): OpenLedgerError {
  return new OpenLedgerError({
    code: 'webgpu/workgroup-too-large',
    what: `"${operation}" runs ${wanted} invocations together, more than this graphics processor does.`,
    why: `Its limit is ${limit} invocations in one workgroup.`,
    next: 'Choose the CPU in the settings; it does the same work to the same bits.',
  });
}

export function selfTestFailed(name: string): OpenLedgerError {
  return new OpenLedgerError({
    code: 'webgpu/self-test-failed',
    what: `The graphics processor ${name} does not compute exactly.`,
    why: 'Its answers to known questions differ in some bits, also with protected programs.',
    next: 'The CPU is used instead, to the same results.',
  });
}

export function tooSlow(ms: number): OpenLedgerError {
  return new OpenLedgerError({
    code: 'webgpu/too-slow',
    what: 'The graphics driver did not answer.',
    why: `It was given ${ms / 1000} seconds.`,
    next: 'The CPU is used instead, to the same results; restarting the browser may help.',
  });
}
