import { toWire } from '../../errors.ts';
import type { Backend } from '../backend.ts';
import { addScaled, addTensors, scaleTensor } from '../elementwise/operation.ts';
import { placeRows } from '../rows/operation.ts';
import { WebGpuBackend } from './backend.ts';

/** Behaviour of a WebGPU backend besides its arithmetic, tried on a real device. Gives what failed; ends the device. */
export async function deviceChecks(backend: Backend): Promise<string[]> {
  const failed: string[] = [];
  const expect = (what: string, fine: boolean) => void (fine || failed.push(what));
  const codeOf = async (work: () => unknown): Promise<string> => {
    try {
      await work();
      return 'nothing';
    } catch (error) {
      return error instanceof RangeError ? 'RangeError' : toWire(error).code;
    }
  };
  const one = (name: string, ...values: number[]) => backend.upload(name, [values.length], Float32Array.from(values));

  const before = backend.memory().bytes;
  const tensors = [one('a', 1, 2, 3), one('b', 4, 5, 6)];
  expect('memory grows with tensors', backend.memory().bytes > before);
  tensors.forEach((tensor) => backend.free(tensor));
  expect('memory returns to what it was', backend.memory().bytes === before);
  expect('peak stays', backend.memory().peakBytes > before);
  expect('a freed tensor is refused', (await codeOf(() => backend.run(scaleTensor, 'x', [tensors[0]!], { scale: 1 }))) === 'RangeError');
  expect('a freed tensor is not read', (await codeOf(() => backend.read(tensors[0]!))) === 'RangeError');
  expect('too few values are refused', (await codeOf(() => backend.upload('c', [4], new Float32Array(3)))) === 'RangeError');

  // 1,000 operations in a row on few buffers, uploads in between: batches, uniforms and reused buffers keep their order.
  let sum = one('sum', 0);
  for (let i = 0; i < 1000; i++) {
    const term = one('term', i);
    const next = backend.run(addScaled, 'sum', [sum, term], { scale: 2 })[0]!;
    backend.free(sum);
    backend.free(term);
    sum = next;
  }
  expect('order of uploads and operations', (await backend.read(sum))[0] === 999_000);

  failed.push(...(await profileChecks(backend as WebGpuBackend)));

  // Leaving the range names the first operation that did, and the backend works on.
  const large = one('large', 2 ** 50, 1);
  const twice = backend.run(addTensors, 'layer 3 output', [large, large])[0]!;
  backend.run(scaleTensor, 'later', [twice], { scale: 4 });
  let said = '';
  try {
    await backend.read(large);
  } catch (error) {
    said = `${toWire(error).code} ${toWire(error).what}`;
  }
  expect(`out of range is named: ${said}`, said.startsWith('rf32/out-of-range') && said.includes('layer 3 output') && said.includes('add'));
  expect('work goes on after leaving the range', (await backend.read(large))[1] === 1);

  // In place: the same tensor comes back.
  const cache = backend.upload('cache', [2, 2], new Float32Array(4));
  const rows = backend.upload('rows', [1, 2], Float32Array.from([7, 8]));
  const [placed] = backend.run(placeRows, 'cache', [cache, rows], { at: 1 });
  expect('in place gives the same tensor', placed === cache && (await backend.read(cache)).join() === '0,0,7,8');
  expect('overwriting what is read is refused', (await codeOf(() => backend.run(placeRows, 'x', [cache, cache], { at: 0 }))) === 'RangeError');
  expect('empty tensors', (await backend.read(backend.upload('none', [0, 3], new Float32Array(0)))).length === 0);

  // More workgroups than one dimension may have.
  const many = new Float32Array(64 * 65_535 + 100).fill(1);
  many[many.length - 1] = 3;
  const [folded] = backend.run(scaleTensor, 'folded', [backend.upload('many', [many.length], many)], { scale: 2 });
  const doubled = await backend.read(folded!);
  expect('a dispatch folded into two dimensions', doubled.at(-1) === 6 && doubled.indexOf(1) < 0 && doubled.indexOf(0) < 0);

  const reading = codeOf(() => backend.read(backend.run(scaleTensor, 'x', [large], { scale: 0.5 })[0]!));
  backend.destroy();
  expect(`a read across the end of the device: ${await reading}`, ['webgpu/device-lost', 'nothing'].includes(await reading));
  expect('everything after is refused', (await codeOf(() => backend.upload('z', [1], new Float32Array(1)))) === 'webgpu/device-lost');
  return failed;
}

/** Times by operation; and the same results while each dispatch is timed alone, with uploads and reuse of buffers in between. */
async function profileChecks(backend: WebGpuBackend): Promise<string[]> {
  const failed: string[] = [];
  const chain = async (): Promise<number> => {
    const cache = backend.create('cache', [4, 1], 'f32');
    let sum = backend.upload('sum', [1], Float32Array.from([0]));
    for (let i = 0; i < 60; i++) {
      const term = backend.upload('term', [1], Float32Array.from([i]));
      const next = backend.run(addScaled, 'sum', [sum, term], { scale: 2 })[0]!;
      for (const tensor of [sum, term]) backend.free(tensor);
      const row = backend.run(scaleTensor, 'row', [next], { scale: 1 })[0]!;
      backend.run(placeRows, 'cache', [cache, row], { at: i % 4 });
      backend.free(row);
      if (i === 30) backend.write(cache, 0, Float32Array.from([1, 1, 1, 1]));
      sum = next;
    }
    const [held, total] = await Promise.all([backend.read(cache), backend.read(sum)]);
    for (const tensor of [cache, sum]) backend.free(tensor);
    return Array.from(held).reduce((a, b) => a + b, 0) * 1e6 + total[0]!;
  };
  const plain = await chain();
  const before = backend.counts();
  backend.profile.start();
  const profiled = await chain();
  const profile = await backend.profile.stop();
  const after = backend.counts();
  if (plain !== profiled) failed.push(`results while profiling: ${profiled}, not ${plain}`);
  const calls = Object.fromEntries(profile.entries.map((entry) => [entry.operation, entry.calls]));
  if (JSON.stringify(Object.entries(calls).sort()) !== JSON.stringify([['addScaled', 60], ['placeRows', 60], ['scale', 60]])) {
    failed.push(`profiled calls: ${JSON.stringify(calls)}`);
  }
  if (after.calls - before.calls !== 180 || profile.dispatches !== after.dispatches - before.dispatches || profile.dispatches < 180) {
    failed.push(`counted ${after.calls - before.calls} calls, ${after.dispatches - before.dispatches} dispatches; profiled ${profile.dispatches}`);
  }
  // A coarse clock may show nothing for small dispatches; never more than the time there was.
  if (!(profile.ms >= 0 && profile.ms <= profile.wallMs * 1.05)) failed.push(`profiled ${profile.ms} ms of ${profile.wallMs} by ${profile.clock}`);
  if (profile.clock === 'submissions' && !(profile.ms > 0)) failed.push('submissions took no time');
  if ((await chain()) !== plain || backend.counts().dispatches === after.dispatches) failed.push('results after profiling');
  return failed;
}

/** The device goes away in the middle, as drivers let it. Ends the device. */
export async function lossChecks(device: GPUDevice): Promise<string[]> {
  const failed: string[] = [];
  const told: string[] = [];
  const backend = new WebGpuBackend(device, 'to be lost', { onLost: (error) => told.push(error.code) });
  const tensor = backend.upload('a', [2], Float32Array.from([1, 2]));
  backend.run(scaleTensor, 'b', [tensor], { scale: 2 });
  const reading = backend.read(tensor).then(
    () => 'nothing',
    (error: unknown) => toWire(error).code,
  );
  device.destroy();
  await device.lost;
  const code = await reading;
  if (!['webgpu/device-lost', 'nothing'].includes(code)) failed.push(`a read while the device is lost: ${code}`);
  if (told.join() !== 'webgpu/device-lost') failed.push(`onLost was told [${told}]`);
  for (const call of [() => backend.upload('c', [1], new Float32Array(1)), () => backend.run(scaleTensor, 'd', [tensor], { scale: 1 })]) {
    try {
      call();
      failed.push('a call after the loss did not throw');
    } catch (error) {
      if (toWire(error).code !== 'webgpu/device-lost') failed.push(`a call after the loss: ${toWire(error).code}`);
    }
  }
  if (backend.memory().bytes !== 0) failed.push(`${backend.memory().bytes} bytes are held after the loss`);
  backend.free(tensor);
  backend.destroy();
  if (backend.memory().bytes !== 0) failed.push('freeing after the loss is counted');
  await new Promise((resolve) => setTimeout(resolve, 50));
  if (told.length !== 1) failed.push(`onLost was told ${told.length} times`);
  return failed;
}

/** The device goes away while dispatches are timed: `stop` comes back, and every call says why. Ends the device. */
export async function profiledLossChecks(device: GPUDevice): Promise<string[]> {
  const backend = new WebGpuBackend(device, 'to be lost', {});
  const tensor = backend.upload('a', [2], Float32Array.from([1, 2]));
  backend.profile.start();
  for (let i = 0; i < 20; i++) backend.run(scaleTensor, 'b', [tensor], { scale: 2 });
  device.destroy();
  const outcome = await Promise.race([
    backend.profile.stop().then(() => 'stopped'),
    new Promise<string>((resolve) => setTimeout(() => resolve('hangs'), 5000)),
  ]);
  const failed = outcome === 'stopped' ? [] : [`stopping a profile on a lost device ${outcome}`];
  try {
    backend.run(scaleTensor, 'c', [tensor], { scale: 1 });
    failed.push('a call after the loss did not throw');
  } catch (error) {
    if (toWire(error).code !== 'webgpu/device-lost') failed.push(`a call after a profiled loss: ${toWire(error).code}`);
  }
  return failed;
}
