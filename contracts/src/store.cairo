//! Pays workers. Each epoch commits to what every account earned in all so far; a claim pays the difference to what
//! the account was paid before. So a claim names any recent root, repeats pay nothing, and no claim leaves a mark but
//! one number per account.

#[starknet::contract]
pub mod CommitmentStore {
    use core::cmp::max;
    use core::traits::DivRem;
    use starknet::{
        ContractAddress, get_block_timestamp, get_caller_address, get_contract_address,
        get_execution_info
    };
    use starknet::storage::{
        Map, StorageAsPointer, StorageMapReadAccess, StorageMapWriteAccess, StoragePathEntry,
        StoragePointerReadAccess, StoragePointerWriteAccess
    };
    use crate::access::{AccessComponent, GUARDIAN, IAccess};
    use crate::erc20::{IErc20Dispatcher, IErc20DispatcherTrait, send, send_batch};
    use crate::guard::GuardComponent;
    use crate::merkle::{
        LeafPrefix, assert_padding_after, fold, group_leaves, group_root, is_padding, leaf,
        leaf_prefix
    };
    use crate::store_events::{
        Claimed, EpochHeld, EpochPosted, EpochReleased, EpochVetoed, GroupClaimed, Swept
    };
    use crate::store_interface::{COURT, EpochInfo, EpochState, IStore, Item, SETTLER, errors};
    use crate::store_packing::{Epoch, Ledger, Mark, Meta, state};

    /// Final roots that stay claimable: a claim built a while ago still pays, and an amount that was corrected
    /// downwards can't be had from an old root for ever.
    pub const KEPT_ROOTS: u32 = 8;
    /// 2^32 leaves are more than accounts that will ever be paid.
    pub const MAX_DEPTH: u8 = 32;
    /// Seconds. A local chain pays at once; a public one is deployed with hours.
    pub const MIN_CHALLENGE_WINDOW: u64 = 1;
    /// Seconds, 7 days: nobody waits longer for money that no one disputes.
    pub const MAX_CHALLENGE_WINDOW: u64 = 604800;
    /// Seconds.
    pub const MIN_MAX_HOLD: u64 = 1;
    /// Seconds, 30 days: twice a slow court.
    pub const MAX_MAX_HOLD: u64 = 2592000;

    component!(path: AccessComponent, storage: access, event: AccessEvent);
    component!(path: GuardComponent, storage: guard, event: GuardEvent);

    #[abi(embed_v0)]
    impl AccessImpl = AccessComponent::AccessImpl<ContractState>;
    impl AccessInternal = AccessComponent::InternalImpl<ContractState>;
    impl GuardInternal = GuardComponent::InternalImpl<ContractState>;

    #[storage]
    struct Storage {
        #[substorage(v0)]
        access: AccessComponent::Storage,
        #[substorage(v0)]
        guard: GuardComponent::Storage,
        Store_token: ContractAddress,
        Store_treasury: ContractAddress,
        /// Whether the token has `transfer_batch`.
        Store_token_batches: bool,
        Store_max_hold: u64,
        Store_ledger: Ledger,
        /// The largest total of a root that was claimed from, base units; 1 before, so that no claim pays for a new cell.
        Store_ceiling: u128,
        Store_epochs: Map<u64, Epoch>,
        Store_paid: Map<ContractAddress, u128>,
    }

    #[event]
    #[derive(Drop, PartialEq, starknet::Event)]
    pub enum Event {
        #[flat]
        AccessEvent: AccessComponent::Event,
        #[flat]
        GuardEvent: GuardComponent::Event,
        EpochPosted: EpochPosted,
        EpochHeld: EpochHeld,
        EpochReleased: EpochReleased,
        EpochVetoed: EpochVetoed,
        Claimed: Claimed,
        GroupClaimed: GroupClaimed,
        Swept: Swept,
    }

    #[constructor]
    fn constructor(
        ref self: ContractState,
        owner: ContractAddress,
        settler: ContractAddress,
        court: ContractAddress,
        token: ContractAddress,
        treasury: ContractAddress,
        token_batches: bool,
        challenge_window: u64,
        max_hold: u64
    ) {
        self.access.initializer(owner);
        assert_address(settler);
        assert_address(court);
        assert_address(token);
        assert_address(treasury);
        assert(
            challenge_window >= MIN_CHALLENGE_WINDOW && challenge_window <= MAX_CHALLENGE_WINDOW,
            errors::WINDOW_BOUNDS
        );
        assert(max_hold >= MIN_MAX_HOLD && max_hold <= MAX_MAX_HOLD, errors::HOLD_BOUNDS);
        self.access.set_role(SETTLER, settler);
        self.access.set_role(COURT, court);
        self.Store_token.write(token);
        self.Store_treasury.write(treasury);
        self.Store_token_batches.write(token_batches);
        self.Store_max_hold.write(max_hold);
        self.Store_ledger.write(Ledger { paid: 0, last_epoch: 0, challenge_window });
        self.Store_ceiling.write(1);
    }

    #[abi(embed_v0)]
    impl StoreImpl of IStore<ContractState> {
        /// Commits to an epoch. The same data again changes nothing, so that an outbox may repeat itself.
        fn post_epoch(
            ref self: ContractState,
            epoch: u64,
            root: felt252,
            total: u128,
            count: u32,
            depth: u8,
            data_hash: felt252
        ) {
            self.access.assert_role(SETTLER);
            self.access.assert_not_paused();
            assert(root != 0, errors::ZERO_ROOT);
            assert(total != 0, errors::ZERO_TOTAL);
            assert(count != 0 && depth <= MAX_DEPTH, errors::BAD_SHAPE);
            let mut ledger = self.Store_ledger.read();
            if epoch <= ledger.last_epoch {
                let posted = self.Store_epochs.read(epoch);
                assert(
                    posted.root == root
                        && posted.meta.total == total
                        && posted.meta.count == count
                        && posted.meta.depth == depth,
                    errors::EPOCH_EXISTS
                );
                return;
            }
            assert(epoch == ledger.last_epoch + 1, errors::EPOCH_ORDER);
            if total > ledger.paid {
                assert(self.balance() >= (total - ledger.paid).into(), errors::NOT_FUNDED);
            }
            let claimable_at = get_block_timestamp() + ledger.challenge_window;
            let meta = Meta {
                total, count, depth, claimable_at, held_until: 0, mark: Mark::Untouched
            };
            ledger.last_epoch = epoch;
            self.Store_ledger.write(ledger);
            self.Store_epochs.write(epoch, Epoch { root, meta });
            self
                .emit(
                    EpochPosted { epoch, root, total, count, depth, data_hash, claimable_at }
                );
        }

        /// Keeps an epoch from becoming claimable while the court looks at it. All holds of one epoch together end
        /// `max_hold` after the first began.
        fn hold_epoch(ref self: ContractState, epoch: u64, case: u64) {
            self.access.assert_role(COURT);
            let mut meta = self.meta(epoch);
            let now = get_block_timestamp();
            assert(meta.mark != Mark::Vetoed, errors::VETOED);
            assert(now < meta.claimable_at, errors::WINDOW_OVER);
            if meta.mark == Mark::Untouched {
                meta.held_until = now + self.Store_max_hold.read();
            } else {
                assert(now < meta.held_until, errors::HOLD_USED_UP);
                assert(meta.mark != Mark::Held, errors::HELD);
            }
            meta.mark = Mark::Held;
            self.write_meta(epoch, meta);
            self.emit(EpochHeld { epoch, case, until: meta.held_until });
        }

        /// Ends a hold: the court at any time, anyone once it has lapsed. Nothing happens where none is, so that a
        /// ruling that comes late can still be carried out.
        fn release_epoch(ref self: ContractState, epoch: u64) {
            let mut meta = self.meta(epoch);
            if meta.mark != Mark::Held {
                return;
            }
            if get_block_timestamp() < meta.held_until {
                assert(
                    self.has_role(COURT, get_caller_address()),
                    errors::HOLD_NOT_OVER
                );
            }
            meta.mark = Mark::Released;
            self.write_meta(epoch, meta);
            self.emit(EpochReleased { epoch });
        }

        /// Makes an epoch never claimable. Returns whether it is vetoed: a court that rules too late gets `false`
        /// and can close its case; a guardian gets an error.
        fn veto_epoch(ref self: ContractState, epoch: u64) -> bool {
            let by = get_caller_address();
            let is_court = self.has_role(COURT, by);
            if !is_court {
                self.access.assert_role(GUARDIAN);
            }
            let mut meta = self.meta(epoch);
            match state(@meta, get_block_timestamp()) {
                EpochState::Vetoed => { return true; },
                EpochState::Final => {
                    assert(is_court, errors::WINDOW_OVER);
                    return false;
                },
                _ => {},
            };
            meta.mark = Mark::Vetoed;
            self.write_meta(epoch, meta);
            self.emit(EpochVetoed { epoch, by });
            true
        }

        /// Pays `account` what it earned and was not paid yet, whoever calls. Returns the amount, 0 on a repeat.
        fn claim(
            ref self: ContractState,
            epoch: u64,
            index: u32,
            account: ContractAddress,
            cumulative: u128,
            proof: Span<felt252>
        ) -> u128 {
            assert_address(account);
            let paid = self.Store_paid.entry(account).as_ptr();
            let before = paid.read();
            if cumulative <= before {
                return 0;
            }
            self.guard.enter();
            let Epoch { root, meta } = self.claimable(epoch);
            assert(index < meta.count, errors::INDEX_RANGE);
            assert(proof.len() == meta.depth.into(), errors::BAD_LENGTH);
            let start = leaf(prefix(), account, cumulative);
            assert(fold(start, index, proof) == root, errors::BAD_PROOF);

            let amount = cumulative - before;
            paid.write(cumulative);
            self.book(amount, meta.total);
            send(self.Store_token.read(), account, amount);
            self.emit(Claimed { epoch, account, amount, cumulative });
            self.guard.leave();
            amount
        }

        /// Pays an aligned group of 2^k leaves with one proof of its root. Returns how many were paid, and the sum.
        fn claim_group(
            ref self: ContractState,
            epoch: u64,
            first_index: u32,
            items: Span<Item>,
            proof: Span<felt252>
        ) -> (u32, u128) {
            self.guard.enter();
            let Epoch { root, meta } = self.claimable(epoch);
            assert_padding_after(meta.count, first_index, items);
            let (start, levels) = group_root(group_leaves(prefix(), items));
            assert(proof.len() + levels == meta.depth.into(), errors::BAD_LENGTH);
            let (place, rest) = DivRem::div_rem(first_index, items.len().try_into().unwrap());
            assert(rest == 0, errors::MISALIGNED);
            assert(fold(start, place, proof) == root, errors::BAD_PROOF);

            let (due, sum) = self.record_paid(items);
            let payees = due.len();
            if payees != 0 {
                self.book(sum, meta.total);
                self.send_all(due);
                self.emit(GroupClaimed { epoch, first_index, payees, sum });
            }
            self.guard.leave();
            (payees, sum)
        }

        /// Sends what is over everything owed to the treasury. Owed is the largest total among the last final roots
        /// and all that may still become final, less what was paid.
        fn sweep(ref self: ContractState) -> u128 {
            self.access.assert_owner();
            self.guard.enter();
            let balance = self.balance();
            let owed: u256 = self.owed().into();
            assert(balance > owed, errors::NOTHING_OVER);
            let amount: u128 = (balance - owed).try_into().unwrap();
            let to = self.Store_treasury.read();
            send(self.Store_token.read(), to, amount);
            self.emit(Swept { to, amount });
            self.guard.leave();
            amount
        }

        /// Whether the leaf is in the epoch, claimable or not.
        fn prove(
            self: @ContractState,
            epoch: u64,
            index: u32,
            account: ContractAddress,
            cumulative: u128,
            proof: Span<felt252>
        ) -> bool {
            let Epoch { root, meta } = self.Store_epochs.read(epoch);
            root != 0
                && index < meta.count
                && proof.len() == meta.depth.into()
                && fold(leaf(prefix(), account, cumulative), index, proof) == root
        }

        fn leaf(self: @ContractState, account: ContractAddress, cumulative: u128) -> felt252 {
            leaf(prefix(), account, cumulative)
        }

        fn paid_of(self: @ContractState, account: ContractAddress) -> u128 {
            self.Store_paid.read(account)
        }

        fn paid_total(self: @ContractState) -> u128 {
            self.Store_ledger.read().paid
        }

        fn epoch_info(self: @ContractState, epoch: u64) -> EpochInfo {
            let Epoch { root, meta } = self.Store_epochs.read(epoch);
            let state = if root == 0 {
                EpochState::Unknown
            } else {
                state(@meta, get_block_timestamp())
            };
            EpochInfo {
                root,
                total: meta.total,
                count: meta.count,
                depth: meta.depth,
                claimable_at: meta.claimable_at,
                held_until: meta.held_until,
                state
            }
        }

        fn last_epoch(self: @ContractState) -> u64 {
            self.Store_ledger.read().last_epoch
        }

        fn is_claimable(self: @ContractState, epoch: u64) -> bool {
            let info = self.epoch_info(epoch);
            info.state == EpochState::Final && !self.is_superseded(epoch, get_block_timestamp())
        }

        fn token(self: @ContractState) -> ContractAddress {
            self.Store_token.read()
        }

        fn treasury(self: @ContractState) -> ContractAddress {
            self.Store_treasury.read()
        }

        fn challenge_window(self: @ContractState) -> u64 {
            self.Store_ledger.read().challenge_window
        }

        fn max_hold(self: @ContractState) -> u64 {
            self.Store_max_hold.read()
        }
    }

    #[generate_trait]
    impl Internal of InternalTrait {
        fn balance(self: @ContractState) -> u256 {
            IErc20Dispatcher { contract_address: self.Store_token.read() }
                .balance_of(get_contract_address())
        }

        fn meta(self: @ContractState, epoch: u64) -> Meta {
            let Epoch { root, meta } = self.Store_epochs.read(epoch);
            assert(root != 0, errors::UNKNOWN_EPOCH);
            meta
        }

        fn write_meta(ref self: ContractState, epoch: u64, meta: Meta) {
            self.Store_epochs.entry(epoch).meta.write(meta);
        }

        /// The epoch, if it may be claimed from at this moment.
        fn claimable(self: @ContractState, epoch: u64) -> Epoch {
            let found = self.Store_epochs.read(epoch);
            assert(found.root != 0, errors::UNKNOWN_EPOCH);
            let now = get_block_timestamp();
            match state(@found.meta, now) {
                EpochState::Final => {},
                EpochState::Held => core::panic_with_felt252(errors::HELD),
                EpochState::Vetoed => core::panic_with_felt252(errors::VETOED),
                _ => core::panic_with_felt252(errors::NOT_YET),
            };
            assert(!self.is_superseded(epoch, now), errors::TOO_OLD);
            found
        }

        /// Whether `KEPT_ROOTS` later epochs are final. Vetoed and held ones don't count, so neither takes away a
        /// root that was claimable. Epochs come of age in their order: the first young one ends the search.
        fn is_superseded(self: @ContractState, epoch: u64, now: u64) -> bool {
            let mut later: u32 = 0;
            let mut next = epoch + 1;
            loop {
                let meta = self.Store_epochs.entry(next).meta.read();
                if meta.claimable_at == 0 || now < meta.claimable_at {
                    break false;
                }
                if state(@meta, now) == EpochState::Final {
                    later += 1;
                    if later == KEPT_ROOTS {
                        break true;
                    }
                }
                next += 1;
            }
        }

        /// Writes what each item's account is paid up to. Returns who is due how much, and the sum.
        fn record_paid(
            ref self: ContractState, items: Span<Item>
        ) -> (Array<(ContractAddress, u128)>, u128) {
            let mut due: Array<(ContractAddress, u128)> = array![];
            let mut sum: u128 = 0;
            for item in items {
                let Item { account, cumulative } = *item;
                if is_padding(account) {
                    continue;
                }
                let paid = self.Store_paid.entry(account).as_ptr();
                let before = paid.read();
                if cumulative > before {
                    paid.write(cumulative);
                    let amount = cumulative - before;
                    sum += amount;
                    due.append((account, amount));
                }
            };
            (due, sum)
        }

        fn send_all(self: @ContractState, due: Array<(ContractAddress, u128)>) {
            let token = self.Store_token.read();
            if self.Store_token_batches.read() {
                send_batch(token, due.span());
            } else {
                for (account, amount) in due {
                    send(token, account, amount);
                }
            }
        }

        /// Counts `amount` as paid from a root with this `total`.
        fn book(ref self: ContractState, amount: u128, total: u128) {
            let mut ledger = self.Store_ledger.read();
            ledger.paid += amount;
            let ceiling = self.Store_ceiling.read();
            assert(ledger.paid <= max(ceiling, total), errors::OVER_TOTAL);
            if total > ceiling {
                self.Store_ceiling.write(total);
            }
            self.Store_ledger.write(ledger);
        }

        fn owed(self: @ContractState) -> u128 {
            let ledger = self.Store_ledger.read();
            let now = get_block_timestamp();
            let mut most: u128 = ledger.paid;
            let mut kept: u32 = 0;
            let mut epoch = ledger.last_epoch;
            while epoch != 0 && kept != KEPT_ROOTS {
                let meta = self.Store_epochs.entry(epoch).meta.read();
                let state = state(@meta, now);
                if state != EpochState::Vetoed {
                    most = max(most, meta.total);
                }
                if state == EpochState::Final {
                    kept += 1;
                }
                epoch -= 1;
            };
            most - ledger.paid
        }
    }

    fn prefix() -> LeafPrefix {
        let info = get_execution_info().unbox();
        leaf_prefix(info.tx_info.unbox().chain_id, info.contract_address)
    }

    fn assert_address(account: ContractAddress) {
        assert(!is_padding(account), errors::ZERO_ADDRESS);
    }
}
