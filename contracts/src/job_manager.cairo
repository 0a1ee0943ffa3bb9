//! Holds what a client pays for a job until the job is settled, refunded or cancelled. Every state has an exit that
//! anyone may take once its time is over, and a pause stops new money only.

#[starknet::contract]
pub mod JobManager {
    use core::poseidon::poseidon_hash_span;
    use starknet::{
        ContractAddress, get_block_timestamp, get_caller_address, get_contract_address, get_tx_info
    };
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use crate::access::AccessComponent;
    use crate::address::is_zero;
    use crate::erc20::{pull, send};
    use crate::guard::GuardComponent;
    use crate::job_manager_events::{
        JobCancelled, JobCreated, JobDisputed, JobRefunded, JobSettled, JobStarted, JobSubmitted,
        JobToppedUp, ModelRegistered, ModelRevoked, TokenAllowed
    };
    use crate::job_manager_interface::{
        COORDINATOR, COURT, IJobManager, Job, JobState, MODEL_ADMIN, Model
    };
    use crate::job_manager_packing::{JobMoney, JobUse, ModelHead};
    use crate::job_manager_rules::{errors, limits};

    component!(path: AccessComponent, storage: access, event: AccessEvent);
    component!(path: GuardComponent, storage: guard, event: GuardEvent);

    #[abi(embed_v0)]
    impl AccessImpl = AccessComponent::AccessImpl<ContractState>;
    impl AccessInternal = AccessComponent::InternalImpl<ContractState>;
    impl GuardInternal = GuardComponent::InternalImpl<ContractState>;

    #[derive(Copy, Drop, starknet::Store)]
    struct AllowedToken {
        token: ContractAddress,
        sink: ContractAddress,
    }

    #[storage]
    struct Storage {
        #[substorage(v0)]
        access: AccessComponent::Storage,
        #[substorage(v0)]
        guard: GuardComponent::Storage,
        refund_grace: u64,
        dispute_window: u64,
        /// By index, from 1.
        tokens: Map<u8, AllowedToken>,
        /// Index of an allowed token, 0 for others.
        token_index: Map<ContractAddress, u8>,
        held: Map<ContractAddress, u128>,
        model_head: Map<felt252, ModelHead>,
        model_low: Map<felt252, u128>,
        model_meta: Map<felt252, felt252>,
        client: Map<felt252, ContractAddress>,
        money: Map<felt252, JobMoney>,
        spent: Map<felt252, JobUse>,
        job_model: Map<felt252, felt252>,
        spec_hash: Map<felt252, felt252>,
        result_root: Map<felt252, felt252>,
    }

    #[event]
    #[derive(Drop, PartialEq, starknet::Event)]
    pub enum Event {
        #[flat]
        AccessEvent: AccessComponent::Event,
        #[flat]
        GuardEvent: GuardComponent::Event,
        TokenAllowed: TokenAllowed,
        ModelRegistered: ModelRegistered,
        ModelRevoked: ModelRevoked,
        JobCreated: JobCreated,
        JobToppedUp: JobToppedUp,
        JobCancelled: JobCancelled,
        JobStarted: JobStarted,
        JobSubmitted: JobSubmitted,
        JobDisputed: JobDisputed,
        JobSettled: JobSettled,
        JobRefunded: JobRefunded,
    }

    /// `court` may be zero when the court is deployed later; the owner then grants COURT to it.
    #[constructor]
    fn constructor(
        ref self: ContractState,
        owner: ContractAddress,
        coordinator: ContractAddress,
        court: ContractAddress,
        refund_grace: u64,
        dispute_window: u64,
        tokens: Span<(ContractAddress, ContractAddress)>
    ) {
        self.access.initializer(owner);
        assert(!is_zero(coordinator), errors::ZERO_ADDRESS);
        self.access.set_role(COORDINATOR, coordinator);
        if !is_zero(court) {
            self.access.set_role(COURT, court);
        }
        assert(
            refund_grace >= limits::MIN_REFUND_GRACE && refund_grace <= limits::MAX_REFUND_GRACE,
            errors::BAD_GRACE
        );
        assert(
            dispute_window >= limits::MIN_DISPUTE_WINDOW
                && dispute_window <= limits::MAX_DISPUTE_WINDOW,
            errors::BAD_WINDOW
        );
        self.refund_grace.write(refund_grace);
        self.dispute_window.write(dispute_window);
        assert(tokens.len() != 0 && tokens.len() <= limits::MAX_TOKENS, errors::BAD_TOKENS);
        let mut index: u8 = 0;
        for (token, sink) in tokens {
            let (token, sink) = (*token, *sink);
            assert(!is_zero(token) && !is_zero(sink), errors::ZERO_ADDRESS);
            assert(self.token_index.read(token) == 0, errors::BAD_TOKENS);
            index += 1;
            self.tokens.write(index, AllowedToken { token, sink });
            self.token_index.write(token, index);
            self.emit(TokenAllowed { token, sink });
        }
    }

    #[abi(embed_v0)]
    impl JobManagerImpl of IJobManager<ContractState> {
        fn register_model(
            ref self: ContractState,
            model_id: felt252,
            content_hash_high: u128,
            content_hash_low: u128,
            meta_hash: felt252
        ) {
            self.access.assert_role(MODEL_ADMIN);
            assert(
                model_id != 0 && (content_hash_high != 0 || content_hash_low != 0), errors::BAD_MODEL
            );
            assert(!self.model_head.read(model_id).registered, errors::MODEL_EXISTS);
            self
                .model_head
                .write(model_id, ModelHead { high: content_hash_high, registered: true, revoked: false });
            self.model_low.write(model_id, content_hash_low);
            self.model_meta.write(model_id, meta_hash);
            self.emit(ModelRegistered { model_id, content_hash_high, content_hash_low, meta_hash });
        }

        fn revoke_model(ref self: ContractState, model_id: felt252) {
            self.access.assert_role(MODEL_ADMIN);
            let head = self.usable_model(model_id);
            self.model_head.write(model_id, ModelHead { revoked: true, ..head });
            self.emit(ModelRevoked { model_id });
        }

        fn create_job(
            ref self: ContractState,
            nonce: felt252,
            token: ContractAddress,
            model_id: felt252,
            spec_hash: felt252,
            budget: u128,
            deadline: u64
        ) -> felt252 {
            self.access.assert_not_paused();
            let index = self.token_index.read(token);
            assert(index != 0, errors::TOKEN_NOT_ALLOWED);
            self.usable_model(model_id);
            assert(spec_hash != 0, errors::ZERO_SPEC);
            assert(budget != 0, errors::ZERO_AMOUNT);
            let now = get_block_timestamp();
            assert(deadline > now && deadline - now <= limits::MAX_DEADLINE, errors::BAD_DEADLINE);
            let client = get_caller_address();
            let job_id = self.job_id_of(client, nonce);
            assert(is_zero(self.client.read(job_id)), errors::JOB_EXISTS);

            self.guard.enter();
            self.client.write(job_id, client);
            self
                .money
                .write(
                    job_id,
                    JobMoney { budget, deadline, since: now, state: JobState::Open, token: index }
                );
            self.job_model.write(job_id, model_id);
            self.spec_hash.write(job_id, spec_hash);
            self.held.write(token, self.held.read(token) + budget);
            self.emit(JobCreated { job_id, client, token, model_id, spec_hash, budget, deadline });
            pull(token, client, budget);
            self.guard.leave();
            job_id
        }

        fn top_up(ref self: ContractState, job_id: felt252, amount: u128) {
            self.access.assert_not_paused();
            let client = self.assert_client(job_id);
            let mut money = self.money.read(job_id);
            assert(
                money.state == JobState::Open || money.state == JobState::Running, errors::BAD_STATE
            );
            assert(get_block_timestamp() <= money.deadline, errors::PAST_DEADLINE);
            assert(amount != 0, errors::ZERO_AMOUNT);
            let token = self.tokens.read(money.token).token;

            self.guard.enter();
            money.budget += amount;
            self.money.write(job_id, money);
            self.held.write(token, self.held.read(token) + amount);
            self.emit(JobToppedUp { job_id, amount, budget: money.budget });
            pull(token, client, amount);
            self.guard.leave();
        }

        fn cancel_job(ref self: ContractState, job_id: felt252) {
            self.assert_client(job_id);
            let money = self.money.read(job_id);
            assert(money.state == JobState::Open, errors::BAD_STATE);
            self.emit(JobCancelled { job_id, returned: money.budget });
            self.close(job_id, money, JobState::Cancelled, 0);
        }

        fn start_job(ref self: ContractState, job_id: felt252) {
            self.access.assert_role(COORDINATOR);
            let mut money = self.known_job(job_id);
            assert(money.state == JobState::Open, errors::BAD_STATE);
            assert(get_block_timestamp() <= money.deadline, errors::PAST_DEADLINE);
            self.usable_model(self.job_model.read(job_id));
            money.state = JobState::Running;
            self.money.write(job_id, money);
            self.emit(JobStarted { job_id });
        }

        fn submit_result(ref self: ContractState, job_id: felt252, result_root: felt252, used: u128) {
            self.access.assert_role(COORDINATOR);
            let mut money = self.known_job(job_id);
            assert(money.state == JobState::Running, errors::BAD_STATE);
            let now = get_block_timestamp();
            assert(now <= money.deadline, errors::PAST_DEADLINE);
            assert(result_root != 0, errors::ZERO_ROOT);
            assert(used <= money.budget, errors::OVER_BUDGET);
            money.state = JobState::Submitted;
            money.since = now;
            self.money.write(job_id, money);
            self.spent.write(job_id, JobUse { used, case_id: 0 });
            self.result_root.write(job_id, result_root);
            self.emit(JobSubmitted { job_id, result_root, used });
        }

        /// In the dispute window only the client settles, who gives up the right to dispute by it.
        fn settle_job(ref self: ContractState, job_id: felt252) {
            let money = self.known_job(job_id);
            assert(money.state == JobState::Submitted, errors::BAD_STATE);
            if get_block_timestamp() < money.since + self.dispute_window.read() {
                assert(get_caller_address() == self.client.read(job_id), errors::WINDOW_OPEN);
            }
            self.settle(job_id, money);
        }

        fn refund_expired(ref self: ContractState, job_id: felt252) {
            let money = self.known_job(job_id);
            let from = money.state;
            let over = if from == JobState::Disputed {
                money.since + limits::MAX_DISPUTE
            } else {
                assert(from == JobState::Open || from == JobState::Running, errors::BAD_STATE);
                money.deadline + self.refund_grace.read()
            };
            assert(get_block_timestamp() >= over, errors::NOT_EXPIRED);
            self.refund(job_id, money);
        }

        fn dispute_job(ref self: ContractState, job_id: felt252, case_id: u64) {
            self.access.assert_role(COURT);
            let mut money = self.known_job(job_id);
            assert(money.state == JobState::Submitted, errors::BAD_STATE);
            let now = get_block_timestamp();
            assert(now < money.since + self.dispute_window.read(), errors::WINDOW_OVER);
            assert(case_id != 0, errors::ZERO_CASE);
            money.state = JobState::Disputed;
            money.since = now;
            self.money.write(job_id, money);
            self.spent.write(job_id, JobUse { used: self.spent.read(job_id).used, case_id });
            self.emit(JobDisputed { job_id, case_id });
        }

        fn resolve_job(ref self: ContractState, job_id: felt252, refund: bool) {
            self.access.assert_role(COURT);
            let money = self.known_job(job_id);
            assert(money.state == JobState::Disputed, errors::BAD_STATE);
            if refund {
                self.refund(job_id, money);
            } else {
                self.settle(job_id, money);
            }
        }

        fn job_id_of(self: @ContractState, client: ContractAddress, nonce: felt252) -> felt252 {
            let chain_id = get_tx_info().unbox().chain_id;
            let this: felt252 = get_contract_address().into();
            poseidon_hash_span(array!['CIRO.job.v1', chain_id, this, client.into(), nonce].span())
        }

        fn get_job(self: @ContractState, job_id: felt252) -> Job {
            let money = self.money.read(job_id);
            let spent = self.spent.read(job_id);
            Job {
                client: self.client.read(job_id),
                token: self.tokens.read(money.token).token,
                model_id: self.job_model.read(job_id),
                spec_hash: self.spec_hash.read(job_id),
                result_root: self.result_root.read(job_id),
                budget: money.budget,
                used: spent.used,
                deadline: money.deadline,
                since: money.since,
                state: money.state,
                case_id: spent.case_id,
            }
        }

        fn job_state(self: @ContractState, job_id: felt252) -> JobState {
            self.money.read(job_id).state
        }

        fn model(self: @ContractState, model_id: felt252) -> Model {
            let head = self.model_head.read(model_id);
            Model {
                content_hash_high: head.high,
                content_hash_low: self.model_low.read(model_id),
                meta_hash: self.model_meta.read(model_id),
                registered: head.registered,
                revoked: head.revoked,
            }
        }

        fn held(self: @ContractState, token: ContractAddress) -> u128 {
            self.held.read(token)
        }

        fn sink_of(self: @ContractState, token: ContractAddress) -> ContractAddress {
            self.tokens.read(self.token_index.read(token)).sink
        }

        fn refund_grace(self: @ContractState) -> u64 {
            self.refund_grace.read()
        }

        fn dispute_window(self: @ContractState) -> u64 {
            self.dispute_window.read()
        }
    }

    #[generate_trait]
    impl Internal of InternalTrait {
        fn usable_model(self: @ContractState, model_id: felt252) -> ModelHead {
            let head = self.model_head.read(model_id);
            assert(head.registered, errors::UNKNOWN_MODEL);
            assert(!head.revoked, errors::MODEL_REVOKED);
            head
        }

        fn known_job(self: @ContractState, job_id: felt252) -> JobMoney {
            let money = self.money.read(job_id);
            assert(money.state != JobState::Unknown, errors::UNKNOWN_JOB);
            money
        }

        fn assert_client(self: @ContractState, job_id: felt252) -> ContractAddress {
            let client = self.client.read(job_id);
            assert(!is_zero(client), errors::UNKNOWN_JOB);
            assert(get_caller_address() == client, errors::NOT_CLIENT);
            client
        }

        fn settle(ref self: ContractState, job_id: felt252, money: JobMoney) {
            let paid = self.spent.read(job_id).used;
            self.emit(JobSettled { job_id, paid, returned: money.budget - paid });
            self.close(job_id, money, JobState::Settled, paid);
        }

        fn refund(ref self: ContractState, job_id: felt252, money: JobMoney) {
            self.emit(JobRefunded { job_id, returned: money.budget, from: money.state });
            self.close(job_id, money, JobState::Refunded, 0);
        }

        /// Ends a job: `earned` of its budget goes to the token's sink, the rest back to the client.
        fn close(
            ref self: ContractState, job_id: felt252, money: JobMoney, state: JobState, earned: u128
        ) {
            self.guard.enter();
            let AllowedToken { token, sink } = self.tokens.read(money.token);
            self.money.write(job_id, JobMoney { state, ..money });
            self.held.write(token, self.held.read(token) - money.budget);
            if earned != 0 {
                send(token, sink, earned);
            }
            if earned != money.budget {
                send(token, self.client.read(job_id), money.budget - earned);
            }
            self.guard.leave();
        }
    }
}
