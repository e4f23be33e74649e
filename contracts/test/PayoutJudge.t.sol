// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IPayoutJudge, PayoutCase, PayoutEvidence, RecordOpening } from "../src/interfaces/IPayoutJudge.sol";
import { PayoutMath } from "../src/libraries/PayoutMath.sol";
import { PayoutRule } from "../src/types/Fees.sol";
import { Claimed, Judging } from "./support/Judging.sol";
import { WorkedOut, Worked, World } from "./support/WorkedOut.sol";

/// @notice The first false row of workings is judged so, and no right row ever. Whole tables are compared with the app's in
/// src/chain/payout-judge.test.ts.
contract PayoutJudgeTest is Judging {
  using WorkedOut for World;

  /// @dev Float32 bits.
  uint32 private constant ONE = 0x3f800000;

  function setUp() public {
    _deployJudge();
  }

  // ---- Worlds ----

  function _random(uint256 seed, string memory what, uint256 k) private pure returns (uint256) {
    return uint256(keccak256(abi.encode(seed, what, k)));
  }

  /// @dev Up to 40 records of up to 8 people, with copies or without, read or not; among scores some that help, hurt, are noise or
  /// nothing; parts that the cap cuts; harm; amounts of nothing and of very much.
  function _world(uint256 seed) private pure returns (World memory w) {
    uint256 n = 1 + _random(seed, "n", 0) % (seed % 4 == 0 ? 40 : 9);
    w.contributors = new address[](n);
    uint256 people = 1 + _random(seed, "people", 0) % 8;
    for (uint256 k = 0; k < n; k++) {
      w.contributors[k] = address(uint160(0x1111 * (1 + _random(seed, "who", k) % people)));
    }
    uint256 columns = n;
    if (_random(seed, "copies", 0) % 3 == 0) {
      columns = 1 + _random(seed, "columns", 0) % n;
      w.trained = new uint32[](columns);
      for (uint256 k = 0; k < columns; k++) {
        w.trained[k] = uint32(n - columns + k);
      }
    }
    _scores(w, seed, columns);
    _reading(w, seed, n);
    uint256 r = _random(seed, "rule", 0);
    w.rule = PayoutRule(
      uint16(1000 + r % 3000), uint16((r >> 16) % 3000), uint16(1000 + (r >> 32) % 9001), uint16((r >> 48) % 5001)
    );
    w.amount = _random(seed, "amount", 0) >> (152 + _random(seed, "amount", 1) % 100);
  }

  function _scores(World memory w, uint256 seed, uint256 columns) private pure {
    (w.scores, w.noise) = (new uint32[](columns), new uint32[](columns));
    // Exponents far apart in some worlds: what is finer than the unit is cut off.
    uint256 spread = seed % 5 == 0 ? 120 : 8;
    for (uint256 k = 0; k < columns; k++) {
      uint256 r = _random(seed, "score", k);
      if (r % 5 != 0) w.scores[k] = uint32((r >> 8) & 0x807fffff) | uint32(120 + (r >> 64) % spread) << 23;
      if ((r >> 80) % 4 != 0) w.noise[k] = uint32((r >> 96) & 0x7fffff) | uint32(116 + (r >> 160) % 5) << 23;
      // Smaller than any exponent, and zeros with a sign.
      if ((r >> 200) % 11 == 0) w.scores[k] = uint32((r >> 8) & 0x80000007);
      if ((r >> 210) % 11 == 0) w.noise[k] = uint32((r >> 8) & 3);
    }
  }

  function _reading(World memory w, uint256 seed, uint256 n) private pure {
    uint256 most = n < 16 ? n : 16;
    uint256 count = _random(seed, "reading", 0) % 2 == 0 ? 0 : 1 + _random(seed, "read", 0) % most;
    w.read = new uint32[](count);
    uint256 step = _random(seed, "read", 1) % n;
    for (uint256 k = 0; k < count; k++) {
      w.read[k] = uint32((step + k) % n);
    }
  }

  function _judged(World memory w, Worked memory right, Claimed memory c, PayoutEvidence memory e)
    private
    view
    returns (bool)
  {
    return payoutJudge.isFalse(_case(w, right, c), e);
  }

  /// @dev Table and row of everything that the answer claims about payouts: 6 its payouts, 7 its totals.
  function _any(Worked memory right, uint256 seed) private pure returns (uint256 table, uint256 row) {
    table = _random(seed, "table", 0) % (right.payouts.length > 0 ? 8 : 6);
    uint256 rows = table < 6 ? right.tables[table].length / _width(table) : table == 6 ? right.payouts.length : 1;
    row = _random(seed, "row", 0) % rows;
  }

  function _evidence(World memory w, Worked memory right, Claimed memory c, uint256 table, uint256 row)
    private
    pure
    returns (PayoutEvidence memory)
  {
    if (table == 6) return _againstPayout(c, row);
    return table == 7 ? _againstTotals(c) : _against(w, right, c, table, row);
  }

  // ---- Any world ----

  /// forge-config: default.fuzz.runs = 1500
  function testFuzz_rightRowsAreNotFalse(uint256 seed) public {
    World memory w = _world(seed);
    Worked memory right = w.work();
    Claimed memory c = _claimed(w, right);
    _trace(w);
    (uint256 table, uint256 row) = _any(right, seed);
    yes(!_judged(w, right, c, _evidence(w, right, c, table, row)), "a right row");
  }

  /// @dev Any bits of any row, and the rows behind it as they were.
  /// forge-config: default.fuzz.runs = 1500
  function testFuzz_theFirstFalseRowIsFalse(uint256 seed, uint256 bits) public {
    World memory w = _world(seed);
    Worked memory right = w.work();
    Claimed memory c = _claimed(w, right);
    _trace(w);
    (uint256 table, uint256 row) = _any(right, seed);
    PayoutCase memory payoutCase;
    if (table < 6) {
      _spoil(c.tables[table], row * _width(table), _width(table), bits);
      _plant(c);
      payoutCase = _case(w, right, c);
    } else if (table == 6) {
      c.payouts[row] ^= bytes32(bits | 1);
      payoutCase = _case(w, right, c);
    } else {
      payoutCase = _case(w, right, c);
      if (bits % 2 == 0) payoutCase.allocated ^= bits | 1;
      else payoutCase.payoutCount ^= bits;
    }
    yes(payoutJudge.isFalse(payoutCase, _evidence(w, right, c, table, row)), "a false row");
  }

  /// @dev One bit, or a byte.
  function _spoil(bytes memory values, uint256 from, uint256 size, uint256 bits) private pure {
    bytes memory before = _slice(values, from, size);
    if (bits % 2 == 0) values[from + (bits >> 40) % size] = bytes1(uint8(bits >> 48));
    if (keccak256(before) == keccak256(_slice(values, from, size))) {
      values[from + (bits >> 8) % size] ^= bytes1(uint8(1 << (bits >> 32) % 8));
    }
  }

  /// @dev Workings are right: whatever is brought, nothing is false.
  /// forge-config: default.fuzz.runs = 3000
  function testFuzz_nothingShowsARightRowFalse(uint256 seed, uint256 changes) public {
    World memory w = _world(seed);
    Worked memory right = w.work();
    Claimed memory c = _claimed(w, right);
    _trace(w);
    (uint256 table, uint256 row) = _any(right, seed);
    PayoutEvidence memory e = _evidence(w, right, c, table, row);
    if (changes % 2 == 0) _bringAll(w, c, e);
    for (uint256 k = 0; k < 1 + (changes >> 8) % 3; k++) {
      _change(w, c, e, uint256(keccak256(abi.encode(changes, k))));
    }
    try payoutJudge.isFalse(_case(w, right, c), e) returns (bool isFalse) {
      yes(!isFalse, "a right row");
    } catch { }
  }

  function _bringAll(World memory w, Claimed memory c, PayoutEvidence memory e) private pure {
    for (uint256 table = 0; table < 6; table++) {
      uint256 step = _leafBytes(table) / _width(table);
      for (uint256 row = 0; row * _width(table) < c.tables[table].length; row += step) {
        _bring(c, e, table, row);
      }
    }
    e.read = _read(w, c);
  }

  function _change(World memory w, Claimed memory c, PayoutEvidence memory e, uint256 r) private pure {
    uint256 how = r % 18;
    uint256 a = r >> 8;
    if (how < 2) e.row = uint32(a % (c.tables[5].length / 36 + 1));
    if (how == 2) e.group = uint32(a % (c.tables[5].length / 36 + 1));
    if (how == 3) e.table = uint8(a % 10);
    if (how < 7 && how > 3 && how != 6) e.columns = _oneColumn(w, c, a % w.columns());
    if (how == 6 && e.columns.length > 0) e.columns[0].column = uint32(a % w.columns());
    if (how == 7 && e.columns.length > 0) e.columns[0].record = _record(w, c, a % w.contributors.length);
    if (how == 8 && e.columns.length > 0) e.columns[0].record.contributor = w.contributors[a % w.contributors.length];
    if (how == 9 && e.columns.length > 0) {
      bytes memory values = e.columns[0].score.values;
      values[a % values.length] ^= bytes1(uint8(1 << (a >> 16) % 8));
    }
    if (how == 10 && e.columns.length > 0) (e.columns[0].score, e.columns[0].noise) = (e.columns[0].noise, e.columns[0].score);
    if (how == 11) (e.scores, e.noise) = (e.noise, e.scores);
    if (how == 12 && e.leaves.length > 0) {
      bytes memory values = e.leaves[a % e.leaves.length].values;
      values[(a >> 16) % values.length] ^= bytes1(uint8(1 << (a >> 32) % 8));
    }
    if (how == 13 && e.leaves.length > 1) e.leaves[a % e.leaves.length] = e.leaves[(a >> 16) % e.leaves.length];
    if (how == 14 && e.leaves.length > 0) e.leaves[a % e.leaves.length].table = uint8((a >> 16) % 7);
    if (how == 15 && e.leaves.length > 0) e.leaves[a % e.leaves.length].leaf = uint32((a >> 16) % 3);
    if (how == 16 && e.read.length > 0) {
      if (a % 2 == 0) e.read = new RecordOpening[](0);
      else e.read[(a >> 8) % e.read.length] = _record(w, c, (a >> 16) % w.contributors.length);
    }
    if (how == 17) (e.payoutLeaf, e.payoutProof) = (c.payouts.length > 0 ? c.payouts[a % c.payouts.length] : bytes32(a), new bytes32[](a % 3));
  }

  // ---- Said one by one ----

  /// @dev Five records: the first person's second hurts, the second has nothing but noise, the third was only read.
  function _five() private pure returns (World memory w) {
    w.contributors = new address[](5);
    (w.contributors[0], w.contributors[1]) = (address(0xa), address(0xa));
    (w.contributors[2], w.contributors[3], w.contributors[4]) = (address(0xc), address(0xb), address(0xd));
    w.trained = new uint32[](4);
    for (uint32 k = 0; k < 4; k++) {
      w.trained[k] = k;
    }
    (w.scores, w.noise) = (new uint32[](4), new uint32[](4));
    for (uint256 k = 0; k < 4; k++) {
      w.noise[k] = ONE;
    }
    // 20, −8, 10 and half: ⌈log2 4⌉ doublings ask for √(4 + 4 ln 2) = 2.602.
    (w.scores[0], w.scores[1], w.scores[2], w.scores[3]) = (0x41a00000, 0xc1000000, 0x41200000, 0x3f000000);
    w.read = new uint32[](2);
    (w.read[0], w.read[1]) = (4, 0);
    w.amount = 1_000_000;
    w.rule = PayoutRule(2000, 1000, 9000, 1000);
  }

  function test_knownAnswers() public pure {
    World memory w = _five();
    Worked memory right = w.work();
    eq(right.people.length, 4, "people");
    eq(right.payouts.length, 3, "paid");
    // 100,000 for reading: 66,667 and 33,333. Evidence 17.398, −5.398 and 7.398, reserve 1: of 900,000 parts over 12 + 7.398 + 1.
    uint256 ofC = 900_000 * uint256(7398) / (12_000 + 7398 + 1000);
    uint256 gross = 900_000 * uint256(17_398) / 20_398;
    uint256 ofA = gross - 900_000 * uint256(5398) / 20_398;
    uint256 sumA = uint128(bytes16(_word(right.tables[5], 0)));
    uint256 sumC = uint128(bytes16(_word(right.tables[5], 72)));
    uint256 sumD = uint128(bytes16(_word(right.tables[5], 108)));
    _near(sumA, ofA + 33_333, "helped, hurt and read");
    _near(sumC, ofC, "helped");
    _near(sumD, 66_667, "read");
    eq(uint128(bytes16(_word(right.tables[5], 36))), 0, "noise");
  }

  function _near(uint256 a, uint256 b, string memory what) private pure {
    yes(a < b + 60 && b < a + 60, what);
  }

  /// @dev Every row of every table, right and then with each of its numbers one more.
  function test_everyRowOfAnAnswer() public {
    World memory w = _five();
    Worked memory right = w.work();
    _trace(w);
    for (uint256 table = 0; table < 6; table++) {
      for (uint256 row = 0; row < right.tables[table].length / _width(table); row++) {
        Claimed memory c = _claimed(w, right);
        yes(!_judged(w, right, c, _against(w, right, c, table, row)), "right");
        uint256[] memory ends = _ends(table);
        for (uint256 k = 0; k < ends.length; k++) {
          c = _claimed(w, right);
          uint256 place = row * _width(table) + ends[k] - 1;
          c.tables[table][place] = bytes1(uint8(c.tables[table][place]) ^ 1);
          _plant(c);
          yes(_judged(w, right, c, _against(w, right, c, table, row)), "one bit more or less");
        }
      }
    }
  }

  /// @dev Where the numbers of a row end.
  function _ends(uint256 table) private pure returns (uint256[] memory ends) {
    bytes memory list = [
      bytes(hex"14181c20"), bytes(hex"102030"), bytes(hex"141828"), bytes(hex"10"), bytes(hex"10"), bytes(hex"102024")
    ][table];
    ends = new uint256[](list.length);
    for (uint256 k = 0; k < ends.length; k++) {
      ends[k] = uint8(list[k]);
    }
  }

  function test_oneRecord() public {
    World memory w;
    (w.contributors, w.scores, w.noise) = (new address[](1), new uint32[](1), new uint32[](1));
    w.contributors[0] = address(0xa);
    (w.scores[0], w.noise[0]) = (0x40a00000, ONE);
    w.rule = PayoutRule(2000, 1000, 10_000, 2000);
    w.amount = 1_000_000;
    Worked memory right = w.work();
    eq(right.allocated, 750_000, "evidence 3, reserve 1");
    _trace(w);
    Claimed memory c = _claimed(w, right);
    PayoutEvidence memory e = _againstPayout(c, 0);
    yes(!_judged(w, right, c, e), "the one payout");
    // Of a tree with one leaf the leaf's hash cannot be had: none is needed.
    c.payouts[0] = bytes32(uint256(1));
    e.payoutLeaf = 0;
    yes(_judged(w, right, c, e), "another under the root");
  }

  /// @dev The version may say anything of who brought a record: here with columns, and only read.
  function test_theAddressZeroIsTheFirstPerson() public {
    for (uint256 k = 0; k < 2; k++) {
      World memory w = _five();
      if (k == 0) (w.contributors[0], w.contributors[1]) = (address(0), address(0));
      w.contributors[4] = address(0);
      Worked memory right = w.work();
      eq(right.people[0], address(0), "first");
      _trace(w);
      Claimed memory c = _claimed(w, right);
      for (uint256 row = 0; row < 5 + 16; row++) {
        yes(!_judged(w, right, c, _against(w, right, c, 2, row)), "a right person");
        yes(!_judged(w, right, c, _against(w, right, c, 5, row)), "a right sum");
      }
    }
  }

  function test_everybodyReadIsSomebodyElse() public {
    World memory w = _five();
    w.contributors = new address[](20);
    w.read = new uint32[](16);
    for (uint256 k = 0; k < 20; k++) {
      w.contributors[k] = address(uint160(100 - k));
      if (k >= 4) w.read[k - 4] = uint32(k);
    }
    Worked memory right = w.work();
    eq(right.people.length, 20, "people");
    _trace(w);
    Claimed memory c = _claimed(w, right);
    for (uint256 row = 0; row < 36; row++) {
      yes(!_judged(w, right, c, _against(w, right, c, 2, row)), "a right person");
      yes(!_judged(w, right, c, _against(w, right, c, 5, row)), "a right sum");
    }
    // One of those who were read is left out, and all after them follow.
    WorkedOut.put(c.tables[2], 40 * 3, _slice(right.tables[2], 40 * 4, 40));
    _plant(c);
    yes(_judged(w, right, c, _against(w, right, c, 2, 3)), "left out");
  }

  /// @dev One of each kind of false order, in its own way.
  function test_falseOrders() public {
    World memory w = _five();
    Worked memory right = w.work();
    _trace(w);
    // The order is 0, 1 (a), 3 (b), 2 (c).
    bytes[7] memory false_ = [
      // Not ascending: the row before again. No column. Another's column.
      _slice(right.tables[0], 0, 32),
      abi.encodePacked(address(0xa), uint32(4), uint32(131), uint32(2)),
      abi.encodePacked(address(0xa), uint32(3), uint32(131), uint32(2)),
      // Left out: the next one, one of somebody who comes later, nothing at all. An address of nobody.
      _slice(right.tables[0], 64, 32),
      abi.encodePacked(address(0xf), uint32(2), uint32(131), uint32(2)),
      new bytes(32),
      abi.encodePacked(address(0xaa), uint32(1), uint32(131), uint32(2))
    ];
    for (uint256 k = 0; k < false_.length; k++) {
      Claimed memory c = _claimed(w, right);
      WorkedOut.put(c.tables[0], 32, false_[k]);
      _plant(c);
      yes(_judged(w, right, c, _against(w, right, c, 0, 1)), "a false order");
    }
  }

  function test_endsOfPeople() public {
    World memory w = _five();
    Worked memory right = w.work();
    _trace(w);
    // a has rows 0 and 1 of four.
    uint32[6] memory ends = [0, 1, 3, 4, 5, type(uint32).max];
    for (uint256 k = 0; k < ends.length; k++) {
      Claimed memory c = _claimed(w, right);
      WorkedOut.put(c.tables[2], 20, abi.encodePacked(ends[k]));
      _plant(c);
      yes(_judged(w, right, c, _against(w, right, c, 2, 0)), "a false end");
    }
    // Too early and too late, with the weight that stands there.
    for (uint32 end = 1; end <= 3; end++) {
      Claimed memory c = _claimed(w, right);
      uint256 sums = 48 * (end - 1) + 16;
      (bytes32 positive, bytes32 negative) = (_word(right.tables[1], sums), _word(right.tables[1], sums + 16));
      uint256 weight = PayoutMath.weight(uint128(bytes16(positive)), uint128(bytes16(negative)));
      WorkedOut.put(c.tables[2], 20, abi.encodePacked(end, uint128(weight)));
      _plant(c);
      eq(_judged(w, right, c, _against(w, right, c, 2, 0)) ? 1 : 0, end == 2 ? 0 : 1, "false but where it is right");
    }
  }

  function test_recordsReadHaveToBeSome() public view {
    World memory w = _five();
    Worked memory right = w.work();
    Claimed memory c = _claimed(w, right);
    PayoutCase memory payoutCase = _case(w, right, c);
    PayoutEvidence memory e;
    e.table = 8;
    yes(!payoutJudge.isFalse(payoutCase, e), "two different ones");
    payoutCase.read[1] = 4;
    yes(payoutJudge.isFalse(payoutCase, e), "twice the same");
    payoutCase.read[1] = 5;
    yes(payoutJudge.isFalse(payoutCase, e), "none of the version");
    payoutCase.records = 17;
    payoutCase.read = new uint32[](17);
    for (uint32 k = 0; k < 17; k++) {
      payoutCase.read[k] = k;
    }
    yes(payoutJudge.isFalse(payoutCase, e), "more than sixteen");
  }

  // ---- What is wrong or missing ----

  function _refused(PayoutCase memory payoutCase, PayoutEvidence memory e, bytes4 why) private {
    vm.expectPartialRevert(why);
    payoutJudge.isFalse(payoutCase, e);
  }

  function test_evidenceHasToBeWhole() public {
    World memory w = _five();
    Worked memory right = w.work();
    _trace(w);
    Claimed memory c = _claimed(w, right);
    PayoutCase memory payoutCase = _case(w, right, c);
    // Every leaf is needed.
    for (uint256 table = 0; table < 7; table++) {
      uint256 leaves = _evidence(w, right, c, table, 1).leaves.length;
      for (uint256 k = 0; k < leaves; k++) {
        PayoutEvidence memory e = _evidence(w, right, c, table, 1);
        e.leaves[k] = e.leaves[(k + 1) % leaves];
        if (leaves == 1) delete e.leaves;
        _refused(payoutCase, e, IPayoutJudge.MissingRow.selector);
      }
    }
    PayoutEvidence memory right0 = _against(w, right, c, 0, 1);
    right0.leaves[0].values[3] ^= 0x01;
    _refused(payoutCase, right0, IPayoutJudge.WrongLeaf.selector);
    right0 = _against(w, right, c, 0, 1);
    right0.leaves[0].table = 6;
    _refused(payoutCase, right0, IPayoutJudge.WrongLeaf.selector);
    right0 = _against(w, right, c, 0, 1);
    right0.table = 9;
    _refused(payoutCase, right0, IPayoutJudge.WrongRow.selector);
    (right0.table, right0.row) = (0, 5);
    _refused(payoutCase, right0, IPayoutJudge.WrongRow.selector);
    PayoutEvidence memory payout = _againstPayout(c, 1);
    payout.row = 3;
    _refused(payoutCase, payout, IPayoutJudge.WrongRow.selector);
    (payout.row, payout.group) = (1, 3);
    _bring(c, payout, 5, 3);
    _refused(payoutCase, payout, IPayoutJudge.WrongGroup.selector);
    // Beyond the last row, where a leaf would hold more.
    payout.group = 21;
    _refused(payoutCase, payout, IPayoutJudge.MissingRow.selector);
    payout = _againstPayout(c, 1);
    payout.payoutLeaf = 0;
    _refused(payoutCase, payout, IPayoutJudge.WrongPayout.selector);
  }

  function test_columnsHaveToBeProved() public {
    World memory w = _five();
    Worked memory right = w.work();
    _trace(w);
    Claimed memory c = _claimed(w, right);
    PayoutCase memory payoutCase = _case(w, right, c);
    for (uint256 k = 0; k < 12; k++) {
      PayoutEvidence memory e = _against(w, right, c, k < 6 ? 0 : 1, 1);
      bytes4 why = IPayoutJudge.WrongColumn.selector;
      if (k == 0) delete e.columns;
      if (k == 1) e.columns = _oneColumn(w, c, 3);
      if (k == 2) e.columns[0].record = _record(w, c, 2);
      if (k == 3) e.columns[0].column = 4;
      if (k == 4) (e.columns[0].record.contribution, why) = (0, IPayoutJudge.WrongRecord.selector);
      if (k == 5) (e.columns[0].record.contributor, why) = (address(0xb), IPayoutJudge.WrongRecord.selector);
      if (k == 6) e.columns = _oneColumn(w, c, 0);
      if (k > 6) why = IPayoutJudge.WrongPiece.selector;
      if (k == 7) e.columns[0].score.values[4] ^= 0x01;
      if (k == 8) e.columns[0].noise.leaf = 1;
      if (k > 8) why = IPayoutJudge.WrongMatrix.selector;
      if (k == 9) e.noise.index = 8;
      if (k == 10) e.scores.index = 9;
      if (k == 11) e.scores.header.instructionCount = 1;
      _refused(payoutCase, e, why);
    }
    // An order that is false itself names a column that there is not.
    WorkedOut.put(c.tables[0], 32 + 20, abi.encodePacked(uint32(4)));
    _plant(c);
    PayoutEvidence memory beyond = _against(w, right, c, 1, 1);
    beyond.columns[0].column = 4;
    _refused(_case(w, right, c), beyond, IPayoutJudge.WrongColumn.selector);
    c = _claimed(w, right);
    PayoutEvidence memory last = _against(w, right, c, 1, 1);
    scoring.shape(9, 1, 3, 1);
    _refused(payoutCase, last, IPayoutJudge.WrongMatrix.selector);
    scoring.shape(9, 2, 4, 1);
    _refused(payoutCase, last, IPayoutJudge.WrongMatrix.selector);
    // As many columns as the version has records, unless a root says which those are.
    payoutCase.trainedRoot = 0;
    _refused(payoutCase, last, IPayoutJudge.WrongMatrix.selector);
    payoutCase = _case(w, right, c);
    scoring.shape(8, 1, 6, 1);
    _refused(payoutCase, last, IPayoutJudge.WrongMatrix.selector);
    scoring.shape(8, 1, 0, 0);
    _refused(payoutCase, last, IPayoutJudge.WrongMatrix.selector);
  }

  function test_withoutCopiesColumnsAreRecords() public {
    World memory w = _five();
    w.trained = new uint32[](0);
    (w.scores, w.noise) = (new uint32[](5), new uint32[](5));
    (w.scores[3], w.noise[0]) = (0x41a00000, ONE);
    Worked memory right = w.work();
    _trace(w);
    Claimed memory c = _claimed(w, right);
    PayoutEvidence memory e = _against(w, right, c, 0, 1);
    yes(!_judged(w, right, c, e), "right");
    e.columns[0].record = _record(w, c, 3);
    _refused(_case(w, right, c), e, IPayoutJudge.WrongColumn.selector);
  }

  function test_groupsHaveToBeTheRows() public {
    World memory w = _five();
    Worked memory right = w.work();
    _trace(w);
    Claimed memory c = _claimed(w, right);
    for (uint32 group = 0; group < 25; group++) {
      PayoutEvidence memory e = _against(w, right, c, 4, 2);
      bool own = e.group == group;
      e.group = group;
      if (own) yes(!_judged(w, right, c, e), "its own group");
      else _refused(_case(w, right, c), e, IPayoutJudge.WrongGroup.selector);
    }
  }

  function test_allThatWasReadHasToBeBrought() public {
    World memory w = _five();
    Worked memory right = w.work();
    _trace(w);
    Claimed memory c = _claimed(w, right);
    for (uint256 k = 0; k < 6; k++) {
      PayoutEvidence memory e = _against(w, right, c, k < 3 ? 2 : 5, 2);
      if (k % 3 == 0) e.read = new RecordOpening[](1);
      if (k % 3 == 1) (e.read[0], e.read[1]) = (e.read[1], e.read[0]);
      if (k % 3 == 2) e.read[1].contributor = address(0xf);
      _refused(_case(w, right, c), e, IPayoutJudge.WrongRecord.selector);
    }
  }

  /// @dev No honest trace holds them.
  function test_whatIsNoNumberIsNotJudged() public {
    uint32[4] memory scores = [0x7f800000, 0xff800001, ONE, ONE];
    uint32[4] memory noise = [ONE, ONE, 0x7fc00000, 0xbf800000];
    for (uint256 k = 0; k < 4; k++) {
      World memory w = _five();
      Worked memory right = w.work();
      (w.scores[0], w.noise[0]) = (scores[k], noise[k]);
      _trace(w);
      Claimed memory c = _claimed(w, right);
      _refused(_case(w, right, c), _against(w, right, c, 0, 0), PayoutMath.PayoutNotFinite.selector);
    }
  }
}
