//! Who works for the network, what they have at stake, and who was seen when. Only the court takes anything, downtime
//! never does, and everything else that a worker has here leaves once its time is over.

#[starknet::contract]
pub mod CdcPool {
    use starknet::{ContractAddress, get_block_timestamp, get_caller_address};
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use crate::access::AccessComponent;
    use crate::address::{is_zero, zero};
    use crate::erc20::{pull, send};
    use crate::guard::GuardComponent;
    use crate::perf_tree;
    use crate::pool_events::{
        BondAdded, BondReleased, CapabilityChanged, CoolDownChanged, PayoutChanged,
        PerformanceRecorded, Slashed, StakeIncreased, UnstakeCancelled, UnstakeIntended, Unstaked,
        WorkerDeregistered, WorkerRegistered, WorkerSeen
    };
    use crate::pool_interface::{
        COURT, ICdcPool, Performance, PerformanceEpoch, SETTLER, Worker
    };
    use crate::pool_packing::{Bonded, Cooling, Staked, TreeShape};
    use crate::pool_rules::{errors, limits};
    use crate::tree::fold;

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
        token: ContractAddress,
        min_stake: u128,
        cool_down: u64,
        payout_delay: u64,
        inactive_after: u64,
        held: u128,
        capability: Map<ContractAddress, felt252>,
        payout: Map<ContractAddress, ContractAddress>,
        next_payout: Map<ContractAddress, ContractAddress>,
        staked: Map<ContractAddress, Staked>,
        cooling: Map<ContractAddress, Cooling>,
        bonded: Map<ContractAddress, Bonded>,
        perf_root: Map<u64, felt252>,
        perf_shape: Map<u64, TreeShape>,
    }

    #[event]
    #[derive(Drop, PartialEq, starknet::Event)]
    pub enum Event {
        #[flat]
        AccessEvent: AccessComponent::Event,
        #[flat]
        GuardEvent: GuardComponent::Event,
        WorkerRegistered: WorkerRegistered,
        CapabilityChanged: CapabilityChanged,
        PayoutChanged: PayoutChanged,
        WorkerDeregistered: WorkerDeregistered,
        StakeIncreased: StakeIncreased,
        UnstakeIntended: UnstakeIntended,
        UnstakeCancelled: UnstakeCancelled,
        Unstaked: Unstaked,
        BondAdded: BondAdded,
        BondReleased: BondReleased,
        Slashed: Slashed,
        PerformanceRecorded: PerformanceRecorded,
        WorkerSeen: WorkerSeen,
        CoolDownChanged: CoolDownChanged,
    }

    /// `court` may be zero when the court is deployed later; the owner then grants COURT to it.
    #[constructor]
    fn constructor(
        ref self: ContractState,
        owner: ContractAddress,
        settler: ContractAddress,
        court: ContractAddress,
        stake_token: ContractAddress,
        min_stake: u128,
        cool_down: u64,
        payout_delay: u64,
        inactive_after: u64
    ) {
        self.access.initializer(owner);
        assert(!is_zero(settler) && !is_zero(stake_token), errors::ZERO_ADDRESS);
        self.access.set_role(SETTLER, settler);
        if !is_zero(court) {
            self.access.set_role(COURT, court);
        }
        assert(min_stake != 0, errors::ZERO_AMOUNT);
        assert_cool_down(cool_down);
        assert(
            payout_delay >= limits::MIN_PAYOUT_DELAY && payout_delay <= limits::MAX_PAYOUT_DELAY,
            errors::BAD_DELAY
        );
        assert(
            inactive_after >= limits::MIN_INACTIVE_AFTER
                && inactive_after <= limits::MAX_INACTIVE_AFTER,
            errors::BAD_INACTIVE
        );
        self.token.write(stake_token);
        self.min_stake.write(min_stake);
        self.cool_down.write(cool_down);
        self.payout_delay.write(payout_delay);
        self.inactive_after.write(inactive_after);
    }

    #[abi(embed_v0)]
    impl CdcPoolImpl of ICdcPool<ContractState> {
        fn register(ref self: ContractState, capability_hash: felt252, payout: ContractAddress) {
            self.access.assert_not_paused();
            let worker = get_caller_address();
            assert(is_zero(self.payout.read(worker)), errors::KNOWN_WORKER);
            assert(capability_hash != 0, errors::ZERO_CAPABILITY);
            assert(!is_zero(payout), errors::ZERO_ADDRESS);
            self.capability.write(worker, capability_hash);
            self.payout.write(worker, payout);
            self.staked.write(worker, Staked { amount: 0, last_seen: get_block_timestamp() });
            self.emit(WorkerRegistered { worker, capability_hash, payout });
        }

        fn set_capability(ref self: ContractState, capability_hash: felt252) {
            let worker = self.known_caller();
            assert(capability_hash != 0, errors::ZERO_CAPABILITY);
            self.capability.write(worker, capability_hash);
            self.emit(CapabilityChanged { worker, capability_hash });
        }

        /// The address of now holds until the delay is over, also when a further change replaces this one.
        fn set_payout(ref self: ContractState, payout: ContractAddress) {
            let worker = self.known_caller();
            assert(!is_zero(payout), errors::ZERO_ADDRESS);
            let from = get_block_timestamp() + self.payout_delay.read();
            self.payout.write(worker, self.payout_of(worker));
            self.next_payout.write(worker, payout);
            let bonded = self.bonded.read(worker);
            self.bonded.write(worker, Bonded { next_payout_at: from, ..bonded });
            self.emit(PayoutChanged { worker, payout, from });
        }

        fn deregister(ref self: ContractState) {
            let worker = self.known_caller();
            assert(self.at_risk(worker) == 0, errors::STILL_HELD);
            self.capability.write(worker, 0);
            self.payout.write(worker, zero());
            self.next_payout.write(worker, zero());
            self.staked.write(worker, Staked { amount: 0, last_seen: 0 });
            self.cooling.write(worker, Cooling { amount: 0, ready_at: 0 });
            self.bonded.write(worker, Bonded { amount: 0, grown_at: 0, next_payout_at: 0 });
            self.emit(WorkerDeregistered { worker });
        }

        fn stake(ref self: ContractState, amount: u128) {
            self.access.assert_not_paused();
            let worker = self.known_caller();
            assert(amount != 0, errors::ZERO_AMOUNT);
            self.guard.enter();
            let mut staked = self.staked.read(worker);
            staked.amount += amount;
            self.staked.write(worker, staked);
            self.held.write(self.held.read() + amount);
            self.emit(StakeIncreased { worker, amount, total: staked.amount });
            pull(self.token.read(), worker, amount);
            self.guard.leave();
        }

        /// A further intent adds to what cools, and all of it waits anew.
        fn unstake_intent(ref self: ContractState, amount: u128) -> u64 {
            let worker = self.known_caller();
            assert(amount != 0, errors::ZERO_AMOUNT);
            let mut staked = self.staked.read(worker);
            assert(amount <= staked.amount, errors::OVER_STAKE);
            staked.amount -= amount;
            self.staked.write(worker, staked);
            let cooling = self.cooling.read(worker).amount + amount;
            let ready_at = get_block_timestamp() + self.cool_down.read();
            self.cooling.write(worker, Cooling { amount: cooling, ready_at });
            self.emit(UnstakeIntended { worker, amount, cooling, ready_at });
            ready_at
        }

        fn cancel_unstake(ref self: ContractState) {
            let worker = self.known_caller();
            let amount = self.cooling.read(worker).amount;
            assert(amount != 0, errors::NOTHING_COOLING);
            self.cooling.write(worker, Cooling { amount: 0, ready_at: 0 });
            let mut staked = self.staked.read(worker);
            staked.amount += amount;
            self.staked.write(worker, staked);
            self.emit(UnstakeCancelled { worker, amount });
        }

        fn unstake_action(ref self: ContractState, worker: ContractAddress) -> u128 {
            let Cooling { amount, ready_at } = self.cooling.read(worker);
            assert(amount != 0, errors::NOTHING_COOLING);
            assert(get_block_timestamp() >= ready_at, errors::NOT_READY);
            self.guard.enter();
            self.cooling.write(worker, Cooling { amount: 0, ready_at: 0 });
            self.held.write(self.held.read() - amount);
            self.emit(Unstaked { worker, amount });
            send(self.token.read(), worker, amount);
            self.guard.leave();
            amount
        }

        fn add_bond(ref self: ContractState, worker: ContractAddress, amount: u128) {
            self.access.assert_role(SETTLER);
            self.access.assert_not_paused();
            self.assert_known(worker);
            assert(amount != 0, errors::ZERO_AMOUNT);
            self.guard.enter();
            let mut bonded = self.bonded.read(worker);
            bonded.amount += amount;
            bonded.grown_at = get_block_timestamp();
            self.bonded.write(worker, bonded);
            self.held.write(self.held.read() + amount);
            self.emit(BondAdded { worker, amount, total: bonded.amount });
            pull(self.token.read(), get_caller_address(), amount);
            self.guard.leave();
        }

        fn release_bond(ref self: ContractState, worker: ContractAddress, amount: u128) {
            self.access.assert_role(SETTLER);
            assert(amount != 0, errors::ZERO_AMOUNT);
            assert(amount <= self.bonded.read(worker).amount, errors::OVER_BOND);
            self.pay_bond(worker, amount);
        }

        fn release_expired_bond(ref self: ContractState, worker: ContractAddress) -> u128 {
            let Bonded { amount, grown_at, next_payout_at: _ } = self.bonded.read(worker);
            assert(amount != 0, errors::NO_BOND);
            let seen = self.staked.read(worker).last_seen;
            let since = if seen > grown_at {
                seen
            } else {
                grown_at
            };
            assert(get_block_timestamp() >= since + limits::BOND_HOLD, errors::BOND_HELD);
            self.pay_bond(worker, amount);
            amount
        }

        /// Takes at most what there is: cooling stake first, so that leaving early saves nothing, then stake, then
        /// bond. Answers what it took; nothing at stake is no error, or a case could not end.
        fn slash(
            ref self: ContractState,
            worker: ContractAddress,
            amount: u128,
            case_id: u64,
            to: ContractAddress
        ) -> u128 {
            self.access.assert_role(COURT);
            assert(!is_zero(to), errors::ZERO_ADDRESS);
            self.guard.enter();
            let mut cooling = self.cooling.read(worker);
            let mut staked = self.staked.read(worker);
            let mut bonded = self.bonded.read(worker);
            let from_cooling = least(amount, cooling.amount);
            let from_stake = least(amount - from_cooling, staked.amount);
            let from_bond = least(amount - from_cooling - from_stake, bonded.amount);
            if from_cooling != 0 {
                cooling.amount -= from_cooling;
                self.cooling.write(worker, cooling);
            }
            if from_stake != 0 {
                staked.amount -= from_stake;
                self.staked.write(worker, staked);
            }
            if from_bond != 0 {
                bonded.amount -= from_bond;
                self.bonded.write(worker, bonded);
            }
            let taken = from_cooling + from_stake + from_bond;
            self.held.write(self.held.read() - taken);
            self.emit(Slashed { worker, case_id, from_cooling, from_stake, from_bond, to });
            if taken != 0 {
                send(self.token.read(), to, taken);
            }
            self.guard.leave();
            taken
        }

        /// The same epoch with the same data again returns quietly, for an outbox that repeats itself.
        fn record_epoch(
            ref self: ContractState, epoch: u64, perf_root: felt252, count: u64, depth: u32
        ) {
            self.access.assert_role(SETTLER);
            assert(perf_root != 0 && count != 0 && depth <= limits::MAX_DEPTH, errors::BAD_EPOCH);
            let known = self.perf_root.read(epoch);
            if known != 0 {
                assert(
                    known == perf_root && self.perf_shape.read(epoch) == TreeShape { count, depth },
                    errors::EPOCH_EXISTS
                );
                return;
            }
            self.perf_root.write(epoch, perf_root);
            self.perf_shape.write(epoch, TreeShape { count, depth });
            self.emit(PerformanceRecorded { epoch, root: perf_root, count, depth });
        }

        /// True when the worker was seen later than was known.
        fn prove_active(
            ref self: ContractState,
            worker: ContractAddress,
            epoch: u64,
            index: u64,
            perf: Performance,
            proof: Span<felt252>
        ) -> bool {
            self.assert_known(worker);
            let root = self.perf_root.read(epoch);
            assert(root != 0, errors::UNKNOWN_EPOCH);
            let TreeShape { count, depth } = self.perf_shape.read(epoch);
            assert(index < count && proof.len() == depth, errors::BAD_PROOF);
            let leaf = perf_tree::leaf(epoch, worker, perf);
            assert(fold(leaf, index, proof) == Option::Some(root), errors::BAD_PROOF);
            assert(perf.last_seen <= get_block_timestamp(), errors::SEEN_LATER);
            self.see(worker, perf.last_seen)
        }

        /// Leaves out addresses that are not registered, so that one of them spoils no batch.
        fn touch(ref self: ContractState, workers: Span<ContractAddress>) {
            self.access.assert_role(SETTLER);
            assert(workers.len() <= limits::MAX_TOUCHED, errors::TOO_MANY);
            let now = get_block_timestamp();
            for worker in workers {
                if !is_zero(self.payout.read(*worker)) {
                    self.see(*worker, now);
                }
            };
        }

        /// Holds for later intents only.
        fn set_cool_down(ref self: ContractState, seconds: u64) {
            self.access.assert_owner();
            assert_cool_down(seconds);
            self.cool_down.write(seconds);
            self.emit(CoolDownChanged { seconds });
        }

        fn worker(self: @ContractState, worker: ContractAddress) -> Worker {
            let staked = self.staked.read(worker);
            let cooling = self.cooling.read(worker);
            let bonded = self.bonded.read(worker);
            let ahead = get_block_timestamp() < bonded.next_payout_at;
            Worker {
                capability_hash: self.capability.read(worker),
                payout: self.payout_of(worker),
                next_payout: if ahead {
                    self.next_payout.read(worker)
                } else {
                    zero()
                },
                next_payout_at: if ahead {
                    bonded.next_payout_at
                } else {
                    0
                },
                stake: staked.amount,
                cooling: cooling.amount,
                ready_at: cooling.ready_at,
                bond: bonded.amount,
                bond_at: bonded.grown_at,
                last_seen: staked.last_seen,
            }
        }

        fn payout_of(self: @ContractState, worker: ContractAddress) -> ContractAddress {
            let next_at = self.bonded.read(worker).next_payout_at;
            if next_at != 0 && get_block_timestamp() >= next_at {
                self.next_payout.read(worker)
            } else {
                self.payout.read(worker)
            }
        }

        fn at_risk(self: @ContractState, worker: ContractAddress) -> u128 {
            self.staked.read(worker).amount
                + self.cooling.read(worker).amount
                + self.bonded.read(worker).amount
        }

        fn is_active(self: @ContractState, worker: ContractAddress) -> bool {
            !is_zero(self.payout.read(worker))
                && get_block_timestamp() <= self.staked.read(worker).last_seen
                    + self.inactive_after.read()
        }

        fn tier_of(self: @ContractState, worker: ContractAddress) -> u8 {
            if is_zero(self.payout.read(worker)) {
                0
            } else if self.staked.read(worker).amount < self.min_stake.read() {
                1
            } else {
                2
            }
        }

        fn epoch(self: @ContractState, epoch: u64) -> PerformanceEpoch {
            let TreeShape { count, depth } = self.perf_shape.read(epoch);
            PerformanceEpoch { root: self.perf_root.read(epoch), count, depth }
        }

        fn performance_leaf(
            self: @ContractState, epoch: u64, worker: ContractAddress, perf: Performance
        ) -> felt252 {
            perf_tree::leaf(epoch, worker, perf)
        }

        fn held(self: @ContractState) -> u128 {
            self.held.read()
        }

        fn stake_token(self: @ContractState) -> ContractAddress {
            self.token.read()
        }

        fn min_stake(self: @ContractState) -> u128 {
            self.min_stake.read()
        }

        fn cool_down(self: @ContractState) -> u64 {
            self.cool_down.read()
        }

        fn payout_delay(self: @ContractState) -> u64 {
            self.payout_delay.read()
        }

        fn inactive_after(self: @ContractState) -> u64 {
            self.inactive_after.read()
        }
    }

    #[generate_trait]
    impl Internal of InternalTrait {
        fn assert_known(self: @ContractState, worker: ContractAddress) {
            assert(!is_zero(self.payout.read(worker)), errors::UNKNOWN_WORKER);
        }

        fn known_caller(self: @ContractState) -> ContractAddress {
            let worker = get_caller_address();
            self.assert_known(worker);
            worker
        }

        fn pay_bond(ref self: ContractState, worker: ContractAddress, amount: u128) {
            self.guard.enter();
            let mut bonded = self.bonded.read(worker);
            bonded.amount -= amount;
            self.bonded.write(worker, bonded);
            self.held.write(self.held.read() - amount);
            let to = self.payout_of(worker);
            self.emit(BondReleased { worker, amount, to });
            send(self.token.read(), to, amount);
            self.guard.leave();
        }

        fn see(ref self: ContractState, worker: ContractAddress, at: u64) -> bool {
            let mut staked = self.staked.read(worker);
            if at <= staked.last_seen {
                return false;
            }
            staked.last_seen = at;
            self.staked.write(worker, staked);
            self.emit(WorkerSeen { worker, at });
            true
        }
    }

    fn assert_cool_down(seconds: u64) {
        assert(
            seconds >= limits::MIN_COOL_DOWN && seconds <= limits::MAX_COOL_DOWN,
            errors::BAD_COOL_DOWN
        );
    }

    fn least(a: u128, b: u128) -> u128 {
        if a < b {
            a
        } else {
            b
        }
    }
}
