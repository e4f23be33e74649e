/**
 * RF32's scalar functions in WGSL against plain TypeScript on the shared vectors, bit for bit; prints one line of JSON.
 * A process of its own for the reasons in equality.node.ts. `npx tsx src/kernels/webgpu/vectors.node.ts swiftshader 1000000`.
 */
import { toWire } from '../../errors.ts';
import { bitsOf } from '../../arithmetic/rf32.ts';
import { scalarFunctions, scalarNames, scalarPairs } from '../../arithmetic/vectors.ts';
import { type DawnKind, openDawn } from './dawn.node.ts';
import { openDevice } from './device.ts';
import { prelude } from './prelude.ts';

export interface VectorReport {
  /** Why this machine cannot run it. */
  skipped?: string;
  vectors: number;
  /** The first difference of each function. */
  differences: string[];
}

const BATCH = 1 << 17;
const WORKGROUP = 64;

// In the order of `scalarNames`.
const EXPRESSIONS: Record<keyof typeof scalarFunctions, string> = {
  add: 'add(a, b)',
  sub: 'sub(a, b)',
  mul: 'mul(a, b)',
  product: 'opaque_f32(operand(a) * operand(b))',
  div: 'rf_div(a, b)',
  exp: 'rf_exp(a)',
  rsqrt: 'rf_rsqrt(a)',
  sqrt: 'rf_sqrt(a)',
  log: 'rf_log(a)',
  sigmoid: 'rf_sigmoid(a)',
};

const code = /* wgsl */ `
struct Uniforms { zero: u32, count: u32 }
@group(0) @binding(0) var<storage, read> in0: array<f32>;
@group(0) @binding(1) var<storage, read> in1: array<f32>;
@group(0) @binding(2) var<storage, read_write> results: array<u32>;
@group(0) @binding(3) var<uniform> u: Uniforms;
${prelude}
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= u.count) { return; }
  let a = in0[id.x];
  let b = in1[id.x];
${scalarNames.map((name, k) => `  results[${k}u * u.count + id.x] = bitcast<u32>(${EXPRESSIONS[name]});`).join('\n')}
}
`;

/** GPUBufferUsage, which Node has no global of. */
const [MAP_READ, COPY_SRC, COPY_DST, UNIFORM, STORAGE] = [0x1, 0x4, 0x8, 0x40, 0x80] as const;

async function compare(device: GPUDevice, total: number): Promise<string[]> {
  const differences = new Map<string, string>();
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module: device.createShaderModule({ code }), entryPoint: 'main' } });
  const { a, b } = scalarPairs(total, 1);
  for (let from = 0; from < total; from += BATCH) {
    const count = Math.min(BATCH, total - from);
    const made: GPUBuffer[] = [];
    const buffer = (size: number, usage: number, data?: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>) => {
      const one = device.createBuffer({ size, usage });
      if (data) device.queue.writeBuffer(one, 0, data);
      made.push(one);
      return one;
    };
    const bytes = 4 * count * scalarNames.length;
    const results = buffer(bytes, STORAGE | COPY_SRC);
    const inputs = [a, b].map((values) => buffer(4 * count, STORAGE | COPY_DST, values.slice(from, from + count)));
    const uniforms = buffer(8, UNIFORM | COPY_DST, Uint32Array.of(0, count));
    const back = buffer(bytes, MAP_READ | COPY_DST);
    const entries = [...inputs, results, uniforms].map((one, binding) => ({ binding, resource: { buffer: one } }));
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(Math.ceil(count / WORKGROUP));
    pass.end();
    encoder.copyBufferToBuffer(results, 0, back, 0, bytes);
    device.queue.submit([encoder.finish()]);
    await back.mapAsync(MAP_READ);
    const got = new Uint32Array(back.getMappedRange());
    scalarNames.forEach((name, k) => {
      if (differences.has(name)) return;
      for (let i = 0; i < count; i++) {
        const [x, y] = [a[from + i]!, b[from + i]!];
        const [wanted, found] = [bitsOf(scalarFunctions[name](x, y)), got[k * count + i]!];
        if (wanted !== found) return void differences.set(name, `${name}(${x}, ${y}): bits ${found.toString(16)} instead of ${wanted.toString(16)}`);
      }
    });
    back.unmap();
    for (const one of made) one.destroy();
  }
  return [...differences.values()];
}

async function main(): Promise<VectorReport> {
  const [kind, count] = process.argv.slice(2);
  const vectors = Number(count ?? 1_000_000);
  try {
    const dawn = await openDawn(kind as DawnKind);
    const { device } = await openDevice({ adapter: dawn.adapter });
    return { vectors, differences: await compare(device, vectors) };
  } catch (error) {
    if (toWire(error).code !== 'webgpu/unavailable') throw error;
    return { vectors: 0, differences: [], skipped: toWire(error).why ?? toWire(error).what };
  }
}

main().then(
  (report) => {
    console.log(JSON.stringify(report));
    process.exit(0);
  },
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
