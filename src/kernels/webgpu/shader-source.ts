import type { Operation, Output } from '../operation.ts';
import { prelude } from './prelude.ts';
import type { Wgsl } from './wgsl.ts';

export interface Binding {
  binding: number;
  kind: 'input' | 'output' | 'status' | 'uniform';
  /** Which input or output. */
  index: number;
}

export interface ShaderSource {
  code: string;
  bindings: Binding[];
  /** Invocations in a workgroup. */
  workgroup: number;
}

/**
 * Words before an operation's own uniforms: zero, sequence number, the end of the workgroups of this dispatch, how many
 * lie along x, and the first of them (long work comes in several dispatches).
 */
export const UNIFORM_HEADER = ['zero', 'sequence', 'workgroups', 'workgroups_x', 'first_workgroup'] as const;

/** One whole WGSL module: generated bindings, RF32, the operation's own code. */
export function shaderSource(operation: Operation, wgsl: Wgsl, outputs: Output[], variant: string, isProtected: boolean): ShaderSource {
  const overwritten = new Set(outputs.map((output) => output.inPlace).filter((index) => index !== undefined));
  const bindings: Binding[] = [];
  const lines: string[] = [];
  const bind = (kind: Binding['kind'], index: number, declaration: string) => {
    lines.push(`@group(0) @binding(${bindings.length}) ${declaration}`);
    bindings.push({ binding: bindings.length, kind, index });
  };
  operation.inputs.forEach((dtype, index) => {
    if (!overwritten.has(index)) bind('input', index, `var<storage, read> in${index}: array<${dtype}>;`);
  });
  outputs.forEach((output, index) => bind('output', index, `var<storage, read_write> out${index}: array<${output.dtype}>;`));
  bind('status', 0, 'var<storage, read_write> status: atomic<u32>;');
  bind('uniform', 0, 'var<uniform> u: Uniforms;');

  const emits = outputs.flatMap((output, index) =>
    output.dtype === 'f32'
      ? [
          /* wgsl */ `
fn place${index}(at: u32, x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  let magnitude = bits & 0x7fffffffu;
  out${index}[at] = bitcast<f32>(select(bits, 0u, magnitude < 0x0d800000u));
  return magnitude;
}
fn emit${index}(at: u32, x: f32) { judge(place${index}(at, x)); }`,
        ]
      : [],
  );
  const { declarations = '', body, workgroup } = wgsl.code({ variant, protected: isProtected });
  const fields = [...UNIFORM_HEADER.map((name) => `${name}: u32`), ...Object.entries(wgsl.uniforms).map(([name, type]) => `${name}: ${type}`)];
  const code = `// ${operation.name} ${variant}
struct Uniforms { ${fields.join(', ')} }
${lines.join('\n')}
${prelude}
// Notes the first operation that left RF32's range: greater than 2^50, infinite or NaN.
fn judge(magnitude: u32) { if (magnitude > 0x58800000u) { atomicMin(&status, u.sequence); } }
${emits.join('\n')}
${declarations}
@compute @workgroup_size(${workgroup})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) local: u32) {
  let group = u.first_workgroup + wid.y * u.workgroups_x + wid.x;
  if (group >= u.workgroups) { return; }
  // Keeps the binding in every kernel's layout, also where nothing is emitted.
  if (u.zero != 0u) { atomicMin(&status, u.sequence); }
${body}
}
`;
  return { code, bindings, workgroup };
}
