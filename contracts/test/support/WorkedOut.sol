// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Merkle } from "../../src/libraries/Merkle.sol";
import { PayoutMath } from "../../src/libraries/PayoutMath.sol";
import { PayoutRule } from "../../src/types/Fees.sol";

/// @notice What an answer's payouts follow from. Of the i-th trained record, i in order, scores[i] and noise[i] are the float32 bits.
struct World {
  /// Of every record of the version.
  address[] contributors;
  /// Empty: all.
  uint32[] trained;
  uint32[] scores;
  uint32[] noise;
  uint32[] read;
  /// The contributors' part, wei.
  uint256 amount;
  PayoutRule rule;
}

/// @notice The six tables (src/libraries/Workings.sol), row after row, and what they come to.
struct Worked {
  bytes[6] tables;
  /// Leaves of the payouts' tree.
  bytes32[] payouts;
  uint256 allocated;
  /// Contributors, ascending.
  address[] people;
  /// Rows of `order`, by record.
  uint256[] order;
}

/// @title Workings made the slow, obvious way, whole table by whole table
library WorkedOut {
  struct Person {
    uint256 end;
    uint256 positive;
    uint256 negative;
    uint256 gross;
    uint256 paid;
  }

  function columns(World memory w) internal pure returns (uint256) {
    return w.scores.length;
  }

  function recordOf(World memory w, uint256 column) internal pure returns (uint256) {
    return w.trained.length == 0 ? column : w.trained[column];
  }

  function ownerOf(World memory w, uint256 column) internal pure returns (address) {
    return w.contributors[recordOf(w, column)];
  }

  function work(World memory w) internal pure returns (Worked memory out) {
    (out.order, out.people) = (_sorted(w), _people(w));
    uint256 n = w.contributors.length;
    uint8[6] memory words = [8, 12, 10, 4, 4, 9];
    for (uint256 table = 0; table < 6; table++) {
      out.tables[table] = new bytes((table % 3 == 2 ? n + 16 : n) * 4 * words[table]);
    }
    (uint256 top, uint256 counted) = _writeOrder(w, out);
    Person[] memory persons = new Person[](out.people.length);
    uint256 allNoise = _writeEvidence(w, out, persons, top, counted);
    uint256 weights = _writePeople(w, out, persons);
    uint256 whole = weights + (counted == 0 ? 0 : (allNoise * w.rule.reserve + 1000 * counted - 1) / (1000 * counted));
    _writeGross(w, out, persons, whole);
    _writePaid(w, out, persons, whole);
    _writeSums(w, out, persons);
  }

  function forReading(World memory w) internal pure returns (uint256) {
    return w.read.length == 0 ? 0 : w.amount * w.rule.retrievalPart / 10_000;
  }

  // ---- Tables ----

  function _writeOrder(World memory w, Worked memory out) private pure returns (uint256 top, uint256 counted) {
    top = 1;
    for (uint256 i = 0; i < columns(w); i++) {
      uint256 column = out.order[i];
      (uint256 score, uint256 noise) = (w.scores[column], w.noise[column]);
      if (_exponent(score) > top) top = _exponent(score);
      if (_exponent(noise) > top) top = _exponent(noise);
      if (score & 0x7fffffff != 0 || noise & 0x7fffffff != 0) counted++;
      put(out.tables[0], 32 * i, abi.encodePacked(ownerOf(w, column), uint32(column), uint32(top), uint32(counted)));
    }
  }

  function _writeEvidence(World memory w, Worked memory out, Person[] memory persons, uint256 top, uint256 counted)
    private
    pure
    returns (uint256 allNoise)
  {
    for (uint256 i = 0; i < columns(w); i++) {
      uint256 column = out.order[i];
      int256 y = evidenceOf(w, column, top, counted);
      allNoise += noiseOf(w, column, top);
      Person memory p = persons[_placeOf(out, ownerOf(w, column))];
      if (y > 0) p.positive += uint256(y);
      else p.negative += uint256(-y);
      p.end = i + 1;
      put(
        out.tables[1], 48 * i, abi.encodePacked(uint128(allNoise), uint128(p.positive), uint128(p.negative))
      );
    }
  }

  function _writePeople(World memory w, Worked memory out, Person[] memory persons)
    private
    pure
    returns (uint256 weights)
  {
    uint256 end = 0;
    for (uint256 g = 0; g < w.contributors.length + 16; g++) {
      address contributor;
      if (g < persons.length) {
        if (persons[g].end > 0) end = persons[g].end;
        persons[g].end = end;
        contributor = out.people[g];
        weights += _weight(persons[g]);
      }
      put(out.tables[2], 40 * g, abi.encodePacked(contributor, uint32(end), uint128(weights)));
    }
  }

  function _writeGross(World memory w, Worked memory out, Person[] memory persons, uint256 whole) private pure {
    (uint256 top, uint256 counted) = _totals(w, out);
    uint256 pot = w.amount - forReading(w);
    for (uint256 i = 0; i < columns(w); i++) {
      Person memory p = persons[_placeOf(out, ownerOf(w, out.order[i]))];
      int256 y = evidenceOf(w, out.order[i], top, counted);
      if (_weight(p) > 0 && y > 0) p.gross += _least(pot * w.rule.clusterCap / 10_000, pot * uint256(y) / whole);
      put(out.tables[3], 16 * i, abi.encodePacked(uint128(p.gross)));
    }
  }

  function _writePaid(World memory w, Worked memory out, Person[] memory persons, uint256 whole) private pure {
    (uint256 top, uint256 counted) = _totals(w, out);
    uint256 pot = w.amount - forReading(w);
    for (uint256 i = 0; i < columns(w); i++) {
      Person memory p = persons[_placeOf(out, ownerOf(w, out.order[i]))];
      int256 y = evidenceOf(w, out.order[i], top, counted);
      if (_weight(p) > 0 && y > 0) {
        uint256 part = _least(pot * w.rule.clusterCap / 10_000, pot * uint256(y) / whole);
        uint256 harm = (pot * p.negative + whole - 1) / whole;
        if (harm == 0) p.paid += part;
        else if (p.gross > harm) p.paid += part * (p.gross - harm) / p.gross;
      }
      put(out.tables[4], 16 * i, abi.encodePacked(uint128(p.paid)));
    }
  }

  function _writeSums(World memory w, Worked memory out, Person[] memory persons) private pure {
    uint256[] memory shares = _reading(w);
    bytes32[] memory leaves = new bytes32[](persons.length);
    uint256 count = 0;
    for (uint256 g = 0; g < w.contributors.length + 16; g++) {
      uint256 sum = 0;
      if (g < persons.length) {
        sum = persons[g].paid;
        for (uint256 k = 0; k < shares.length; k++) {
          if (w.contributors[w.read[k]] == out.people[g]) sum += shares[k];
        }
        if (sum > 0) leaves[count] = Merkle.leaf(abi.encode(count, out.people[g], sum));
        if (sum > 0) count++;
      }
      out.allocated += sum;
      put(out.tables[5], 36 * g, abi.encodePacked(uint128(sum), uint128(out.allocated), uint32(count)));
    }
    out.payouts = new bytes32[](count);
    for (uint256 k = 0; k < count; k++) {
      out.payouts[k] = leaves[k];
    }
  }

  // ---- One record ----

  /// @dev y of the payout rule: the score less what noise could have made.
  function evidenceOf(World memory w, uint256 column, uint256 top, uint256 counted) internal pure returns (int256) {
    uint256 bits = w.scores[column];
    uint256 magnitude = _significand(bits) * 2 ** 57 / 2 ** (top - _exponent(bits));
    uint256 threshold = (noiseOf(w, column, top) * PayoutMath.noiseMultiple(counted, w.rule.nullMultiple) + 999) / 1000;
    if (magnitude <= threshold) return 0;
    return bits < 2 ** 31 ? int256(magnitude - threshold) : -int256(magnitude - threshold);
  }

  function noiseOf(World memory w, uint256 column, uint256 top) internal pure returns (uint256) {
    uint256 by = 2 ** (top - _exponent(w.noise[column]));
    return (_significand(w.noise[column]) * 2 ** 57 + by - 1) / by;
  }

  function _exponent(uint256 bits) private pure returns (uint256 exponent) {
    exponent = bits / 2 ** 23 % 256;
    if (exponent == 0) exponent = 1;
  }

  function _significand(uint256 bits) private pure returns (uint256) {
    return bits % 2 ** 23 + (bits / 2 ** 23 % 256 == 0 ? 0 : 2 ** 23);
  }

  function _totals(World memory w, Worked memory out) private pure returns (uint256 top, uint256 counted) {
    bytes memory order = out.tables[0];
    uint256 place = 32 * columns(w);
    assembly ("memory-safe") {
      let last := mload(add(order, place))
      top := and(shr(32, last), 0xffffffff)
      counted := and(last, 0xffffffff)
    }
  }

  function _weight(Person memory p) private pure returns (uint256) {
    return p.positive > p.negative ? p.positive - p.negative : 0;
  }

  function _least(uint256 a, uint256 b) private pure returns (uint256) {
    return a < b ? a : b;
  }

  /// @dev retrievalShares() in src/protocol/retrieval-share.ts.
  function _reading(World memory w) private pure returns (uint256[] memory shares) {
    shares = new uint256[](w.read.length);
    uint256 all = 0;
    for (uint256 k = 0; k < shares.length; k++) {
      all += 720_720 / (k + 1);
    }
    uint256 left = forReading(w);
    for (uint256 k = 0; k < shares.length; k++) {
      shares[k] = forReading(w) * (720_720 / (k + 1)) / all;
      left -= shares[k];
    }
    if (shares.length > 0) shares[0] += left;
  }

  // ---- Lists ----

  /// @dev Columns by contributor, then column. Few steps where they come in order.
  function _sorted(World memory w) private pure returns (uint256[] memory order) {
    order = new uint256[](columns(w));
    for (uint256 k = 0; k < order.length; k++) {
      uint256 place = k;
      for (; place > 0 && ownerOf(w, order[place - 1]) > ownerOf(w, k); place--) {
        order[place] = order[place - 1];
      }
      order[place] = k;
    }
  }

  /// @dev Everybody with a column, or a record that was read, once, ascending.
  function _people(World memory w) private pure returns (address[] memory people) {
    address[] memory found = new address[](columns(w) + w.read.length);
    uint256 count = 0;
    for (uint256 k = 0; k < found.length; k++) {
      address who = k < columns(w) ? ownerOf(w, k) : w.contributors[w.read[k - columns(w)]];
      uint256 place = count;
      while (place > 0 && found[place - 1] > who) place--;
      if (place > 0 && found[place - 1] == who) continue;
      for (uint256 j = count; j > place; j--) {
        found[j] = found[j - 1];
      }
      found[place] = who;
      count++;
    }
    people = new address[](count);
    for (uint256 k = 0; k < count; k++) {
      people[k] = found[k];
    }
  }

  function _placeOf(Worked memory out, address who) private pure returns (uint256 low) {
    uint256 high = out.people.length;
    while (low + 1 < high) {
      uint256 middle = (low + high) / 2;
      if (out.people[middle] <= who) low = middle;
      else high = middle;
    }
  }

  function put(bytes memory to, uint256 place, bytes memory values) internal pure {
    for (uint256 k = 0; k < values.length; k++) {
      to[place + k] = values[k];
    }
  }
}
