// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IDisputes } from "../src/interfaces/IDisputes.sol";
import { DemandState, IGames, NodesOpening, Place, Shown } from "../src/interfaces/IGames.sol";
import { TraceMatrix } from "../src/interfaces/IReferee.sol";
import { BatchRequest, ClaimState, ISettlement, PayRequest } from "../src/interfaces/ISettlement.sol";
import { AnswerOpening } from "../src/types/Answers.sol";
import { Fee } from "../src/types/Fees.sol";
import { ClaimId } from "../src/types/Ids.sol";
import { Filing } from "./support/Filing.sol";
import { Metered } from "./support/Metered.sol";

/// @notice The file of a claim's answers is demanded, and shown whole.
contract DisputesFileTest is Filing, Metered {
  uint32 private constant ALL = type(uint32).max;

  function setUp() public {
    _deploy();
  }

  /// @dev Three answers: nothing read, two records, sixteen; 3 + 2, 2 + 1, 0 + 3 tokens.
  function _three() private returns (ClaimId id) {
    uint32[] memory sixteen = new uint32[](16);
    for (uint32 k = 0; k < 16; k++) {
      sixteen[k] = 70_000 + k;
    }
    uint32[] memory two = new uint32[](2);
    (two[0], two[1]) = (type(uint32).max, 7);
    _add(3, 2, new uint32[](0), _someTokens(5, true));
    _add(2, 1, two, _someTokens(3, false));
    _add(0, 3, sixteen, _someTokens(3, true));
    return _payBatch();
  }

  function _refusedFile(ClaimId id, bytes memory file, bytes memory why) private {
    vm.expectRevert(why);
    disputes.showFile(id, file);
  }

  function _wrong(ClaimId id) private view returns (bytes memory) {
    return abi.encodeWithSelector(IDisputes.WrongAnswer.selector, id, settlement.claim(id).answers);
  }

  function _state(ClaimId id) private view returns (DemandState) {
    return disputes.demandOf(id.game(), _filePlace()).state;
  }

  // ---- Demanded, shown ----

  function test_theFileIsShown() public {
    ClaimId id = _three();
    uint256 bond = (300_000 + 3 * 5300 + 11 * 130) * uint256(GAS_PRICE);
    eq(disputes.fileBond(id), bond, "a reply, its answers, its tokens");
    vm.expectEmit(address(disputes));
    emit IGames.Demanded(id.game(), bob, _filePlace(), vm.getBlockTimestamp() + REPLY);
    _demandFile(bob, id);
    eq(disputes.heldBonds(), bond, "is held");
    eq(disputes.heldUntil(id.game()), type(uint256).max, "the claim too");
    bytes memory file = _file();
    eq(file.length, 3 * 85 + 4 * (2 + 16 + 11), "no byte more than it takes");
    vm.expectEmit(address(disputes));
    emit IDisputes.FileShown(id, file);
    disputes.showFile(id, file);
    eq(uint256(_state(id)), uint256(DemandState.Answered), "answered");
    eq(disputes.claimable(payer), bond, "paid for");
    vm.warp(vm.getBlockTimestamp() + REPLY + 1);
    vm.expectRevert(abi.encodeWithSelector(IGames.NoOpenDemand.selector, id, _filePlace()));
    disputes.convictSilence(id.game(), _filePlace());
    _refusedFile(id, file, abi.encodeWithSelector(IGames.NoOpenDemand.selector, id, _filePlace()));
    _finalAt(id, disputes.heldUntil(id.game()) + WINDOW);
    _solvent();
  }

  /// @dev As every reply: copied in the first half of its time it pays the claimant, later whoever makes it.
  function test_whoIsPaidForTheFile() public {
    ClaimId id = _three();
    uint256 bond = _demandFile(bob, id);
    uint256 here = vm.snapshotState();
    vm.warp(vm.getBlockTimestamp() + REPLY / 2);
    vm.prank(alice);
    disputes.showFile(id, _file());
    eq(disputes.claimable(payer), bond, "the claimant");
    vm.revertToState(here);
    vm.warp(vm.getBlockTimestamp() + REPLY / 2 + 1);
    vm.prank(alice);
    disputes.showFile(id, _file());
    eq(disputes.claimable(alice), bond, "who was there");
    eq(disputes.claimable(payer), 0, "and nobody else");
    _solvent();
  }

  function test_silenceConvicts() public {
    ClaimId id = _three();
    uint256 bond = _demandFile(bob, id);
    uint256 due = disputes.demandOf(id.game(), _filePlace()).due;
    vm.warp(due);
    vm.expectRevert(abi.encodeWithSelector(IGames.ReplyNotDue.selector, due));
    disputes.convictSilence(id.game(), _filePlace());
    vm.warp(due + 1);
    _refusedFile(id, _file(), abi.encodeWithSelector(IGames.ReplyTooLate.selector, due));
    vm.expectEmit(address(disputes));
    emit IGames.Convicted(id.game(), bob, "silence");
    vm.prank(alice);
    disputes.convictSilence(id.game(), _filePlace());
    _is(id, ClaimState.Refuted);
    eq(disputes.claimable(bob), bond, "the demand's bond");
    eq(settlement.claimable(bob), BOND / 2, "half of the claim's");
    _refusedFile(id, _file(), abi.encodeWithSelector(IGames.NotOpen.selector, id));
    _solvent();
  }

  function test_itIsDemandedOnce() public {
    ClaimId id = _three();
    uint256 bond = _demandFile(bob, id);
    bytes memory twice = abi.encodeWithSelector(IGames.AlreadyDemanded.selector, id, _filePlace());
    vm.deal(alice, 1 ether);
    vm.expectRevert(twice);
    vm.prank(alice);
    disputes.demandFile{ value: bond }(id);
    disputes.showFile(id, _file());
    vm.expectRevert(twice);
    vm.prank(alice);
    disputes.demandFile{ value: bond }(id);
  }

  function test_itIsDemandedForItsBondAndInTime() public {
    ClaimId id = _three();
    uint256 bond = disputes.fileBond(id);
    vm.startPrank(alice);
    for (uint256 k = 0; k < 3; k += 2) {
      vm.expectRevert(abi.encodeWithSelector(IGames.WrongDemandBond.selector, bond + k - 1, bond));
      disputes.demandFile{ value: bond + k - 1 }(id);
    }
    vm.expectRevert(abi.encodeWithSelector(ISettlement.UnknownClaim.selector, 99));
    disputes.demandFile(ClaimId.wrap(99));
    vm.stopPrank();
    _refusedFile(id, _file(), abi.encodeWithSelector(IGames.NoOpenDemand.selector, id, _filePlace()));
    uint256 until = disputes.demandUntil(id.game());
    vm.warp(until + 1);
    vm.expectRevert(abi.encodeWithSelector(IGames.TooLateToBegin.selector, id, until));
    disputes.demandFile{ value: bond }(id);
    vm.warp(until);
    _demandFile(bob, id);
    disputes.showFile(id, _file());
    _finalAt(id, disputes.heldUntil(id.game()) + WINDOW);
    bond = disputes.fileBond(id);
    vm.expectRevert(abi.encodeWithSelector(IGames.NotOpen.selector, id));
    disputes.demandFile{ value: bond }(id);
  }

  function test_theBondComesBackAfterAnotherConviction() public {
    ClaimId id = _three();
    uint256 bond = _demandFile(bob, id);
    vm.expectRevert(abi.encodeWithSelector(IGames.NotRefuted.selector, id));
    disputes.takeBack(id.game(), _filePlace());
    _prove(alice, id, abi.encodeCall(IDisputes.proveStep, (id, _at(2), _step(666), SALT)));
    disputes.takeBack(id.game(), _filePlace());
    eq(disputes.claimable(bob), bond, "whole");
    eq(disputes.heldBonds(), 0, "nothing is held");
    _solvent();
  }

  // ---- What is no file ----

  /// @dev One bit of any byte: tokens' numbers, amount, both hashes, how many records, each record, each token.
  function test_everyByteCounts() public {
    ClaimId id = _three();
    _demandFile(bob, id);
    bytes memory file = _file();
    bytes memory why = _wrong(id);
    for (uint256 k = 0; k < file.length; k++) {
      bytes1 before = file[k];
      file[k] = before ^ bytes1(uint8(1 << (k % 8)));
      _refusedFile(id, file, why);
      file[k] = before;
    }
    disputes.showFile(id, file);
  }

  function test_noLengthButItsOwn() public {
    ClaimId id = _three();
    _demandFile(bob, id);
    bytes memory file = _file();
    bytes memory why = _wrong(id);
    for (uint256 less = 1; less <= file.length; less++) {
      _refusedFile(id, _sliced(file, file.length - less), why);
    }
    _refusedFile(id, bytes.concat(file, hex"00"), why);
    _refusedFile(id, bytes.concat(file, hex"00000000"), why);
    // One answer too many, too few, twice; another order.
    _refusedFile(id, bytes.concat(file, _filed(0)), why);
    _refusedFile(id, bytes.concat(_filed(0), _filed(1)), why);
    _refusedFile(id, bytes.concat(_filed(0), _filed(1), _filed(1)), why);
    _refusedFile(id, bytes.concat(_filed(1), _filed(0), _filed(2)), why);
    // Padding is no answer.
    _refusedFile(id, bytes.concat(_filed(0), _filed(1), new bytes(85)), why);
    _refusedFile(id, "", why);
    eq(uint256(_state(id)), uint256(DemandState.Open), "nothing was shown");
  }

  function test_anotherClaimsFile() public {
    ClaimId id = _three();
    bytes memory file = _file();
    _batch[1].receiptHash = "another";
    ClaimId other = _payBatch();
    _demandFile(bob, id);
    _demandFile(bob, other);
    _refusedFile(other, file, _wrong(other));
    _refusedFile(id, _file(), _wrong(id));
    disputes.showFile(other, _file());
    eq(uint256(_state(id)), uint256(DemandState.Open), "each is its own claim's");
  }

  /// @dev Sizes that the file has no room for are those of false answers: such a claim is lost, not misread.
  function test_anAnswerThatNoFileHolds() public {
    _add(3, 2, new uint32[](0), _someTokens(5, true));
    _add(3, 2, new uint32[](256), _someTokens(5, true));
    ClaimId id = _payBatch();
    _demandFile(bob, id);
    _refusedFile(id, _file(), _wrong(id));
    _batch[1].read = new uint32[](0);
    _batch[1].tokensIn = 65_536 + 3;
    BatchRequest memory request = _batchRequest();
    request.tokensIn = 6;
    request.contributorsPart = settlement.quoteBatch(adapter, 2, 6, 4).contributors;
    Fee memory fee = settlement.quoteBatch(adapter, 2, 6, 4);
    uint256 value = fee.total + settlement.bondFor(request.allocated);
    vm.prank(payer);
    id = settlement.payBatch{ value: value }(request);
    _demandFile(bob, id);
    _refusedFile(id, _file(), _wrong(id));
  }

  /// @dev The file is no leaf and no node: it is demanded, shown and denied by its own calls alone.
  function test_noOtherCallAnswersForTheFile() public {
    ClaimId id = _three();
    Place memory place = _filePlace();
    vm.expectRevert(abi.encodeWithSelector(IGames.WrongPlace.selector, place));
    disputes.demand(id.game(), _one(place));
    bytes32[] memory levels = new bytes32[](1);
    vm.expectRevert(abi.encodeWithSelector(IGames.WrongPlace.selector, place));
    disputes.search(id, 0, levels, _one(place), 0);
    _demandFile(bob, id);
    AnswerOpening memory opening = _at(0);
    TraceMatrix memory matrix = _matrix(ALL);
    vm.expectRevert(abi.encodeWithSelector(IGames.PlaceExists.selector, place));
    disputes.showNoSuchPlace(id, opening, matrix, place);
    matrix.header.instructionCount = 0;
    vm.expectRevert(abi.encodeWithSelector(IGames.PlaceExists.selector, place));
    disputes.showNoSuchPlace(id, opening, matrix, place);
    for (uint256 k = 0; k < 3; k++) {
      NodesOpening memory nodes = NodesOpening(0, 0, 253, new bytes32[](k), new bytes32[](0));
      Shown[] memory shown = _shownNodes(ALL, nodes);
      shown[0].matrix.inputs = abi.encodePacked(_batch[0].tokensOut, _tokensOf[0]);
      vm.expectRevert(abi.encodeWithSelector(IGames.NotTheNodes.selector, place));
      disputes.reveal(id, opening, shown);
    }
    eq(uint256(_state(id)), uint256(DemandState.Open), "still to be shown");
  }

  // ---- Which claims have one ----

  function test_aBatchOfOne() public {
    _add(3, 2, new uint32[](1), _someTokens(5, true));
    ClaimId id = _payBatch();
    _demandFile(bob, id);
    disputes.showFile(id, _file());
    eq(uint256(_state(id)), uint256(DemandState.Answered), "shown");
  }

  /// @dev Nobody needs the file of one answer; but who is asked for it can show it.
  function test_anAnswerThatWasPaidByItself() public {
    (PayRequest memory request, Fee memory fee,) = _request("single", 13, 37, 6000);
    bytes memory tokens = _someTokens(50, true);
    request.answer.inputsHash = keccak256(abi.encodePacked(uint32(37), tokens));
    ClaimId id = _pay(request, fee.total);
    _batch.push(request.answer);
    _tokensOf.push(tokens);
    uint256 bond = _demandFile(bob, id);
    eq(bond, (300_000 + 5300 + 50 * 130) * uint256(GAS_PRICE), "of one answer");
    _refusedFile(id, "", _wrong(id));
    disputes.showFile(id, _file());
    eq(disputes.claimable(payer), bond, "paid for");
  }

  function test_aBatchHasAsManyTokensAsFitIntoItsFile() public {
    eq(settlement.MOST_BATCH_TOKENS(), 8_192, "32 KiB");
    for (uint256 k = 0; k < 9; k++) {
      _add(1000, 24, new uint32[](0), "");
    }
    BatchRequest memory request = _batchRequest();
    (request.tokensIn, request.tokensOut) = (8_192 - 1, 1);
    request.contributorsPart = settlement.quoteBatch(adapter, 9, 8_191, 1).contributors;
    uint256 value = settlement.quoteBatch(adapter, 9, 8_191, 1).total + BOND;
    settlement.payBatch{ value: value }(request);
    // One more in, one more out.
    for (uint256 k = 0; k < 2; k++) {
      (request.tokensIn, request.tokensOut) = k == 0 ? (uint32(8_192), uint32(1)) : (uint32(8_191), uint32(2));
      request.contributorsPart = settlement.quoteBatch(adapter, 9, request.tokensIn, request.tokensOut).contributors;
      value = settlement.quoteBatch(adapter, 9, request.tokensIn, request.tokensOut).total + BOND;
      vm.expectRevert(abi.encodeWithSelector(ISettlement.BadRequest.selector, "tokens"));
      settlement.payBatch{ value: value }(request);
    }
    // And each answer as many as one may have.
    (request.answers, request.tokensIn, request.tokensOut) = (7, 7 * 1024, 1);
    vm.expectRevert(abi.encodeWithSelector(ISettlement.BadRequest.selector, "tokens"));
    settlement.payBatch(request);
  }

  // ---- Gas ----

  function test_gasOf256AnswersOf32Tokens() public {
    uint256 used = _gas("256 answers of 32 tokens", 256, 32, 0, false);
    yes(used <= settlement.STRESSED_GAS() / 2, "less than half of a dispute");
  }

  function test_gasOf8AnswersOf1024Tokens() public {
    _gas("8 answers of 1,024 tokens", 8, 1024, 0, false);
  }

  /// @dev Every answer has read as much as is paid for, and every token and record is beyond the first 65,535.
  function test_gasAtWorst() public {
    _gas("at worst, 256 answers", 256, 32, 16, true);
    _gas("at worst, 8 answers", 8, 1024, 16, true);
    _gas("at worst, one answer", 1, 1024, 16, true);
  }

  function _gas(string memory name, uint256 count, uint256 tokens, uint256 read, bool three) private returns (uint256 used) {
    uint32[] memory records = new uint32[](read);
    for (uint32 k = 0; k < read; k++) {
      records[k] = 0x010101 + 257 * k;
    }
    delete _batch;
    delete _tokensOf;
    _each = 0x13456789abcdef;
    bytes memory some = _someTokens(tokens, three);
    for (uint256 k = 0; k < count; k++) {
      _add(uint32(tokens / 2), uint32(tokens - tokens / 2), records, some);
    }
    ClaimId id = _payBatch();
    uint256 bond = _demandFile(bob, id);
    bytes memory data = abi.encodeCall(IDisputes.showFile, (id, _file()));
    yes(data.length < 120 * 1024, "what nodes take, with room for the envelope");
    used = _metered("Disputes", string.concat("file: ", name), address(disputes), data, _touched());
    eq(uint256(_state(id)), uint256(DemandState.Answered), "shown");
    yes(used * GAS_PRICE <= bond, "the bond pays for it");
  }

  function _touched() private view returns (address[] memory touched) {
    touched = new address[](3);
    (touched[0], touched[1], touched[2]) = (address(disputes), address(settlement), address(adapters));
  }

  function _sliced(bytes memory file, uint256 length) private pure returns (bytes memory out) {
    out = new bytes(length);
    for (uint256 k = 0; k < length; k++) {
      out[k] = file[k];
    }
  }
}
