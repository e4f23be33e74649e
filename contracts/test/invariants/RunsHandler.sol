// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Runs } from "../../src/Runs.sol";
import { Settlement } from "../../src/Settlement.sol";
import { Demand, DemandState, Place } from "../../src/interfaces/IGames.sol";
import { AdapterId } from "../../src/types/Ids.sol";
import { Statement, StatementState } from "../../src/types/Runs.sol";
import { Vouching } from "../support/Vouching.sol";

/// @notice What people can do with statements about runs, in any order, always with valid input; hostile tries are made where
/// they would fit and must fail. Of five statements one is false in a step, one in a step of the ledger, one in what it says was
/// given, one in its outcome; the makers of the others are honest: they show whatever is demanded before it is due.
contract RunsHandler is Vouching {
  struct Made {
    AdapterId id;
    /// 0: right; 1: a step of unit 1 is false; 2: unit 0 is not what is given; 3: the adapter is registered with another
    /// outcome; 4: as 1, with an operation of the ledger.
    uint8 fault;
    uint256 bond;
    Place[] demands;
  }

  /// @dev Only so many of the last are touched: the others are over.
  uint256 private constant RECENT = 8;
  Made[] private _made;
  address[] private _people;
  /// @notice Wei that people put in, and that they and the Datanet's pool got out.
  uint256 public putIn;
  uint256 public gotOut;
  /// @notice Halves of bonds that were lost to the pool, by the handler's own count.
  uint256 public lost;
  /// @notice Tries that must fail and did not, or the other way round.
  uint256 public broken;

  constructor() {
    _setUp();
    unitReferee.setRows(3);
    units = 2;
    _people = [curator, alice, bob];
  }

  function theRuns() external view returns (Runs) {
    return runs;
  }

  function theSettlement() external view returns (Settlement) {
    return settlement;
  }

  function pool() external view returns (uint256) {
    return settlement.poolOf(datanet);
  }

  function statements() external view returns (uint256) {
    return _made.length;
  }

  function isHonest(uint256 k) external view returns (bool) {
    return _made[k].fault == 0;
  }

  function idOf(uint256 k) external view returns (AdapterId) {
    return _made[k].id;
  }

  /// @notice What the open statements have at stake, by the handler's own count.
  function staked() external view returns (uint256 sum) {
    for (uint256 k = 0; k < _made.length; k++) {
      if (runs.statement(_made[k].id).state == StatementState.Open) sum += _made[k].bond;
    }
  }

  function vouch(uint64 more) external {
    vm.prank(curator);
    adapter = adapters.register(_draft());
    Made storage m = _made.push();
    m.id = adapter;
    m.fault = uint8(_made.length % 5);
    m.bond = STAKE + more;
    _about(m);
    vm.deal(curator, curator.balance + 2 * m.bond);
    _vouchFor(m.id, m.bond);
    putIn += m.bond;
    try this.vouchAgain(m.bond) {
      broken++;
    } catch { }
  }

  function vouchAgain(uint256 bond) external {
    _vouchFor(adapter, bond);
  }

  function demandPiece(uint256 which, uint32 unit, uint32 leaf, bool trace) external {
    (Made storage m, Statement memory s) = _pick(which);
    if (s.state != StatementState.Open || block.timestamp > s.deadline) return;
    unit %= 2;
    Place memory place = trace ? _traceOf(unit) : Place(unit, 2, leaf % 3, 0, 0);
    if (runs.demandOf(m.id.game(), place).state != DemandState.None) return;
    bool possible = trace || runs.traceOf(m.id, unit) != 0 || _isDue(m.id, _traceOf(unit));
    try this.ask(bob, place) {
      if (!possible) broken++;
      m.demands.push(place);
      putIn += _bond(place);
    } catch {
      if (possible) broken++;
    }
  }

  /// @dev Demanded, and not too late to show it.
  function _isDue(AdapterId id, Place memory place) private view returns (bool) {
    Demand memory d = runs.demandOf(id.game(), place);
    return d.state == DemandState.Open && block.timestamp <= d.due;
  }

  function answerDemands(uint256 which) external {
    (Made storage m,) = _pick(which);
    _answerAll(m);
  }

  /// @notice Commits to a proof, waits, and makes it: it convicts a false statement in time, and no other.
  function dispute(uint256 which, uint8 about, uint8 later) external {
    (Made storage m, Statement memory s) = _pick(which);
    if (s.state != StatementState.Open || !_canBegin(m.id, s)) return;
    if (later % 2 == 0) {
      this.demandPiece(which, 1, 0, true);
      _answerAll(m);
    }
    about = 1 + about % 4;
    bytes memory data = _proofOf(m.id, about, m.fault);
    _commit(bob, data);
    vm.roll(block.number + 1);
    this.wait_(uint16(later % (2 * PROVE)));
    bool inTime = block.timestamp <= runs.commitmentOf(bob, _commitment(bob, data)).proveBy;
    bool convicts = m.fault == about && (about == 2 || about == 3 || runs.traceOf(m.id, 1) != 0);
    try this.send(bob, data) {
      if (!convicts || !inTime) broken++;
      _lose(m);
    } catch {
      if (convicts && inTime) broken++;
    }
    // A proof that was seen is nobody else's.
    try this.send(alice, data) {
      broken++;
    } catch { }
  }

  /// @dev What would convict a statement with fault `about`.
  function _proofOf(AdapterId id, uint8 about, uint8 fault) private view returns (bytes memory) {
    if (about == 2) return abi.encodeCall(Runs.proveGiven, (id, _unitAlone(0), SALT));
    if (about == 3) return _outcomeCall(fault == 3, SALT);
    return about == 1 ? _unitCall(1, fault == 1, SALT) : _ledgerCall(1, fault == 4, SALT);
  }

  /// @notice Whoever says that nothing was shown: right only where it was not.
  function denounce(uint256 which, uint256 place) external {
    (Made storage m, Statement memory s) = _pick(which);
    if (m.demands.length == 0) return;
    Place memory there = m.demands[place % m.demands.length];
    bool open = runs.demandOf(m.id.game(), there).state == DemandState.Open;
    bool silent = s.state == StatementState.Open && open && block.timestamp > runs.demandOf(m.id.game(), there).due;
    try runs.convictSilence(m.id.game(), there) {
      if (!silent) broken++;
      _lose(m);
    } catch {
      if (silent) broken++;
    }
    bool back = s.state == StatementState.Refuted && open;
    try runs.takeBack(m.id.game(), there) {
      if (!back) broken++;
    } catch {
      if (back) broken++;
    }
  }

  function stand(uint256 which) external {
    (Made storage m, Statement memory s) = _pick(which);
    if (s.state == StatementState.None) return;
    uint256 held = runs.heldUntil(m.id.game());
    if (held != type(uint256).max && held > uint256(s.deadline) + WINDOW) broken++;
    bool over = s.state == StatementState.Open && block.timestamp > s.deadline && block.timestamp > held;
    try runs.stand(m.id) {
      if (!over) broken++;
    } catch {
      if (over) broken++;
    }
  }

  function withdraw(uint256 which) external {
    address who = _people[which % _people.length];
    uint256 before = who.balance;
    bool owed = runs.claimable(who) > 0;
    try runs.withdrawFor(who) {
      if (!owed) broken++;
    } catch {
      if (owed) broken++;
    }
    gotOut += who.balance - before;
  }

  /// @notice Time passes; honest makers have answered by then.
  function wait_(uint16 time) external {
    for (uint256 k = _first(); k < _made.length; k++) {
      if (_made[k].fault == 0) _answerAll(_made[k]);
    }
    vm.warp(block.timestamp + time % WINDOW);
  }

  function _lose(Made storage m) private {
    uint256 half = m.bond - m.bond / 2;
    lost += half;
    gotOut += half;
  }

  /// @dev From here on `adapter` and `given` are this statement's.
  function _about(Made storage m) private {
    adapter = m.id;
    given = m.fault == 2 ? keccak256("another beginning") : _inputsHash(0);
  }

  function _answerAll(Made storage m) private {
    if (_made.length == 0 || runs.statement(m.id).state != StatementState.Open) return;
    AdapterId before = adapter;
    bytes32 givenBefore = given;
    _about(m);
    for (uint256 k = 0; k < m.demands.length; k++) {
      Place memory place = m.demands[k];
      if (runs.demandOf(m.id.game(), place).state != DemandState.Open) continue;
      if (block.timestamp > runs.demandOf(m.id.game(), place).due) continue;
      if (place.index == ALL) {
        _showTrace(place.answer);
      } else if (place.answer == 0) {
        runs.showNoSuchPlace(adapter, _unit(0), _shape(0), _shown(place.index).matrix, place);
      } else {
        _reveal(place.answer, _leafShown(place, VALUES));
      }
    }
    (adapter, given) = (before, givenBefore);
  }

  function _first() private view returns (uint256) {
    return _made.length > RECENT ? _made.length - RECENT : 0;
  }

  function _canBegin(AdapterId id, Statement memory s) private view returns (bool) {
    return block.timestamp <= s.deadline || block.timestamp <= runs.clockOf(id.game()).commitUntil;
  }

  function _pick(uint256 which) private returns (Made storage m, Statement memory s) {
    if (_made.length == 0) return (_none(), s);
    m = _made[_first() + which % (_made.length - _first())];
    _about(m);
    s = runs.statement(m.id);
  }

  /// @dev A slot that is never written: stands for "no statement yet".
  function _none() private pure returns (Made storage m) {
    bytes32 slot = keccak256("no statement yet");
    assembly {
      m.slot := slot
    }
  }
}
