// Keccak-256 as Ethereum has it (FIPS 202's sponge with rate 136, padding 0x01 … 0x80), one message at a time.
// The roots of models hash gigabytes: WebAssembly has 64-bit integers, which JavaScript's numbers have not.

const ROUNDS = memory.data<u64>([
  0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
  0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
  0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
  0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
  0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
  0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
]);

/** Bytes that one permutation takes in. */
const RATE: usize = 136;

/** Hashes `length` bytes at `message` to 32 bytes at `out`. Overwrites up to 136 bytes after the message with the padding. */
export function keccak256(message: usize, length: usize, out: usize): void {
  const end = message + (length / RATE + 1) * RATE;
  memory.fill(message + length, 0, end - message - length);
  store<u8>(message + length, 1);
  store<u8>(end - 1, load<u8>(end - 1) | 0x80);
  let s0: u64 = 0, s1: u64 = 0, s2: u64 = 0, s3: u64 = 0, s4: u64 = 0;
  let s5: u64 = 0, s6: u64 = 0, s7: u64 = 0, s8: u64 = 0, s9: u64 = 0;
  let s10: u64 = 0, s11: u64 = 0, s12: u64 = 0, s13: u64 = 0, s14: u64 = 0;
  let s15: u64 = 0, s16: u64 = 0, s17: u64 = 0, s18: u64 = 0, s19: u64 = 0;
  let s20: u64 = 0, s21: u64 = 0, s22: u64 = 0, s23: u64 = 0, s24: u64 = 0;
  for (let block = message; block < end; block += RATE) {
    s0 ^= load<u64>(block, 0);
    s1 ^= load<u64>(block, 8);
    s2 ^= load<u64>(block, 16);
    s3 ^= load<u64>(block, 24);
    s4 ^= load<u64>(block, 32);
    s5 ^= load<u64>(block, 40);
    s6 ^= load<u64>(block, 48);
    s7 ^= load<u64>(block, 56);
    s8 ^= load<u64>(block, 64);
    s9 ^= load<u64>(block, 72);
    s10 ^= load<u64>(block, 80);
    s11 ^= load<u64>(block, 88);
    s12 ^= load<u64>(block, 96);
    s13 ^= load<u64>(block, 104);
    s14 ^= load<u64>(block, 112);
    s15 ^= load<u64>(block, 120);
    s16 ^= load<u64>(block, 128);
    for (let round: usize = 0; round < 24; round++) {
      // θ
      const c0 = s0 ^ s5 ^ s10 ^ s15 ^ s20;
      const c1 = s1 ^ s6 ^ s11 ^ s16 ^ s21;
      const c2 = s2 ^ s7 ^ s12 ^ s17 ^ s22;
      const c3 = s3 ^ s8 ^ s13 ^ s18 ^ s23;
      const c4 = s4 ^ s9 ^ s14 ^ s19 ^ s24;
      const d0 = c4 ^ rotl<u64>(c1, 1);
      const d1 = c0 ^ rotl<u64>(c2, 1);
      const d2 = c1 ^ rotl<u64>(c3, 1);
      const d3 = c2 ^ rotl<u64>(c4, 1);
      const d4 = c3 ^ rotl<u64>(c0, 1);
      // ρ and π
      const b0 = s0 ^ d0;
      const b10 = rotl<u64>(s1 ^ d1, 1);
      const b20 = rotl<u64>(s2 ^ d2, 62);
      const b5 = rotl<u64>(s3 ^ d3, 28);
      const b15 = rotl<u64>(s4 ^ d4, 27);
      const b16 = rotl<u64>(s5 ^ d0, 36);
      const b1 = rotl<u64>(s6 ^ d1, 44);
      const b11 = rotl<u64>(s7 ^ d2, 6);
      const b21 = rotl<u64>(s8 ^ d3, 55);
      const b6 = rotl<u64>(s9 ^ d4, 20);
      const b7 = rotl<u64>(s10 ^ d0, 3);
      const b17 = rotl<u64>(s11 ^ d1, 10);
      const b2 = rotl<u64>(s12 ^ d2, 43);
      const b12 = rotl<u64>(s13 ^ d3, 25);
      const b22 = rotl<u64>(s14 ^ d4, 39);
      const b23 = rotl<u64>(s15 ^ d0, 41);
      const b8 = rotl<u64>(s16 ^ d1, 45);
      const b18 = rotl<u64>(s17 ^ d2, 15);
      const b3 = rotl<u64>(s18 ^ d3, 21);
      const b13 = rotl<u64>(s19 ^ d4, 8);
      const b14 = rotl<u64>(s20 ^ d0, 18);
      const b24 = rotl<u64>(s21 ^ d1, 2);
      const b9 = rotl<u64>(s22 ^ d2, 61);
      const b19 = rotl<u64>(s23 ^ d3, 56);
      const b4 = rotl<u64>(s24 ^ d4, 14);
      // χ, and ι in the first lane
      s0 = b0 ^ (~b1 & b2) ^ load<u64>(ROUNDS + (round << 3));
      s1 = b1 ^ (~b2 & b3);
      s2 = b2 ^ (~b3 & b4);
      s3 = b3 ^ (~b4 & b0);
      s4 = b4 ^ (~b0 & b1);
      s5 = b5 ^ (~b6 & b7);
      s6 = b6 ^ (~b7 & b8);
      s7 = b7 ^ (~b8 & b9);
      s8 = b8 ^ (~b9 & b5);
      s9 = b9 ^ (~b5 & b6);
      s10 = b10 ^ (~b11 & b12);
      s11 = b11 ^ (~b12 & b13);
      s12 = b12 ^ (~b13 & b14);
      s13 = b13 ^ (~b14 & b10);
      s14 = b14 ^ (~b10 & b11);
      s15 = b15 ^ (~b16 & b17);
      s16 = b16 ^ (~b17 & b18);
      s17 = b17 ^ (~b18 & b19);
      s18 = b18 ^ (~b19 & b15);
      s19 = b19 ^ (~b15 & b16);
      s20 = b20 ^ (~b21 & b22);
      s21 = b21 ^ (~b22 & b23);
      s22 = b22 ^ (~b23 & b24);
      s23 = b23 ^ (~b24 & b20);
      s24 = b24 ^ (~b20 & b21);
    }
  }
  store<u64>(out, s0);
  store<u64>(out, s1, 8);
  store<u64>(out, s2, 16);
  store<u64>(out, s3, 24);
}
