// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice What an adapter is registered with, unpacked: `programHash` is keccak256(abi.encode(header)).
struct Header {
  /// Over the instructions' bytes, in program order.
  bytes32 instructionsRoot;
  uint256 instructionCount;
  /// Over the constants (weights, tables, rows of the ledger), as `traceRoot` is over what a claim computed.
  bytes32 constantsRoot;
  uint256 constantCount;
  /// Tokens that attention looks back; 0 where it sees all.
  uint256 window;
}

/// @notice One leaf of a matrix (at most 256 values: whole rows, or a piece of one row; Leaves.sol) with its proof.
struct Opening {
  /// Which input of the instruction it belongs to; has no meaning for an output.
  uint8 input;
  /// Place among the matrix's leaves.
  uint32 leaf;
  /// float32, little-endian, 4 bytes each; as many as the leaf has.
  bytes values;
  /// Siblings within the matrix from the leaf's level up, then siblings of the matrix within the trace or the constants.
  bytes32[] proof;
}

/// @notice One matrix of the trace of a claim: the output of instruction `index`.
struct TraceMatrix {
  Header header;
  /// uint32 length of the answer, then the tokens of prompt and answer, uint32 each, all big-endian: `inputsHash` is its
  /// keccak256.
  bytes inputs;
  uint32 index;
  /// instructionBytes() in src/attribution/trace/instruction.ts.
  bytes instruction;
  bytes32[] instructionProof;
}

/// @notice One element of one matrix of a claimed trace, and everything that it follows from.
struct Step {
  Header header;
  /// As in TraceMatrix, and so the next three.
  bytes inputs;
  uint32 index;
  bytes instruction;
  bytes32[] instructionProof;
  uint32 row;
  uint32 column;
  /// The leaf of the claimed matrix that holds the element.
  Opening output;
  /// The leaves of the inputs that the element is computed from, in any order, at most 64.
  Opening[] openings;
}

/// @title Does an element of a claimed trace follow from the inputs that stand in the same trace?
/// @notice Holds nothing and owns nothing: the answer depends on the arguments alone.
interface IReferee {
  /// @notice keccak256(abi.encode(header)) is not the program's hash.
  error RefereeWrongHeader();
  /// @notice The inputs' hash is another, or they are no whole tokens, or no answer of 1 … N tokens stands among them.
  error RefereeWrongInputs();
  /// @notice The instruction's bytes are not instruction `index` of the program.
  error RefereeWrongInstruction(uint256 index);
  /// @notice The matrix has no such element.
  error RefereeOutside(uint256 row, uint256 column);
  /// @notice An opening's place, length or proof is wrong. `input` is 255 for the output.
  error RefereeWrongOpening(uint256 input, uint256 leaf);
  error RefereeTooManyOpenings(uint256 count);

  /// @notice Whether the claimed element is another than the one that its instruction gives.
  /// @dev Reverts where any proof, size, place or length is wrong, or where an opening is missing that the instruction reads.
  /// Bits are compared, so what no matrix may hold (−0, NaN) is a different value. An element that comes out infinite or NaN
  /// convicts whatever was claimed: an honest run ends there, so nobody can have claimed it honestly.
  /// @param programHash what the claim's adapter is registered with
  /// @param inputsHash of the claim
  /// @param traceRoot of the claim, over the matrices of all instructions in program order
  function isFalse(bytes32 programHash, bytes32 inputsHash, bytes32 traceRoot, Step calldata step)
    external
    view
    returns (bool);

  /// @notice Whether `opening` is a leaf of the matrix under the trace's root. Reverts where `matrix` itself is not proved.
  function isOpening(
    bytes32 programHash,
    bytes32 inputsHash,
    bytes32 traceRoot,
    TraceMatrix calldata matrix,
    Opening calldata opening
  ) external view returns (bool);

  /// @notice Size of the matrix and its number of leaves: a leaf beyond them is nobody's to reveal.
  function sizeOf(bytes32 programHash, uint256 tokens, uint256 answer, TraceMatrix calldata matrix)
    external
    view
    returns (uint256 rows, uint256 columns, uint256 leaves);

  function shapeOf(bytes32 programHash, bytes32 inputsHash, TraceMatrix calldata matrix)
    external
    view
    returns (uint256 rows, uint256 columns, uint256 leaves);
}
