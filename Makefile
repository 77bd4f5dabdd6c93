# One command for each task; `make` lists them. Needs Rust, Go, a C toolchain and python3; all else
# is fetched from registries into ${ROLLBACK_OPERATOR_CACHE:-~/.cache/rollback-operator}.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# What the benches start and are.
measured := cargo build --locked --profile measured --bins
MAKEFLAGS += --no-print-directory

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build all programs (debug)
	cargo build --locked --bins

.PHONY: release
release: ## Build the operator and the plugin as they are handed out: target/release, target/plugin
	cargo build --locked --release --no-default-features --features operator --bin rollback-operator
	$(MAKE) plugin

.PHONY: image
image: VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
image: ## Build the image with docker (BUILDER=podman: with another)
	$(or $(BUILDER),docker) build --tag rollback-operator:$(VERSION) \
	  --build-arg VERSION=$(VERSION) --build-arg REVISION="$$(git rev-parse HEAD)" .

.PHONY: fmt
fmt: ## Format the code
	cargo fmt

.PHONY: lint
lint: ## Check format, clippy, each feature alone, licences, bans, sources, scripts
	hack/lint

.PHONY: audit
audit: ## Check dependencies against the advisory database (needs access to it)
	"$$(hack/tools/cargo-install cargo-deny 0.20.2)" check advisories

.PHONY: generate
generate: ## Write the CRDs from the Rust types, and the chart's README from its values
	cargo run --locked --quiet --bin crdgen
	hack/tools/helm-docs --chart-search-root charts

.PHONY: check-generated
check-generated: ## Fail if the committed CRDs are not what the types give
	cargo test --locked --quiet --test schemas generated

.PHONY: tools
tools: ## Build the local control plane, the node and the linters (minutes the first time)
	hack/tools/build >/dev/null
	hack/node/run programs
	hack/tools/helm version --short
	hack/tools/helm-docs --help >/dev/null
	hack/tools/prometheus >/dev/null
	hack/tools/monitoring-kinds >/dev/null
	hack/tools/gitops/build >/dev/null
	hack/tools/cargo-install cargo-deny 0.20.2 >/dev/null
	[[ -n "$$(hack/critical-paths obstacle)" ]] || hack/critical-paths programs

.PHONY: test
test: ## Run every test; the last line counts them
	hack/test

.PHONY: test-unit
test-unit: ## Run the tests of the library and the programs
	hack/test unit

.PHONY: test-house
test-house: ## Run the tests of layers and schemas, and others that need no control plane
	hack/test house

.PHONY: test-processes
test-processes: ## Run the tests that need a control plane, the simulator or the operator
	hack/test processes

.PHONY: test-cluster
test-cluster: ## Install, upgrade, crash, drain and remove the image and the chart on a real node (needs root)
	hack/test node

.PHONY: test-real
test-real: ## End, stop and cut off the real operator at every place (10 min)
	hack/tools/build >/dev/null
	cargo test --locked --test real -- --nocapture

.PHONY: test-sim
test-sim: ## Play every crash point, pairs of them, 10,000 seeds, broken rules (10 min, building aside)
	hack/test simulation

.PHONY: mutants
mutants: ## Break the pure rooms in every small way and see the tests fail (hours; SHARD=1/8 for a part)
	PATH="$$(dirname "$$(hack/tools/cargo-install cargo-mutants 27.1.0)"):$$PATH" \
	  cargo mutants --jobs 2 $(if $(SHARD),--shard $(SHARD)) --output target

.PHONY: test-contract
test-contract: ## Run others' software against the simulator
	hack/test contract

.PHONY: demo
demo: ## Undo real records on a local control plane and simulator (KEEP=1 leaves it running)
	KEEP=$(KEEP) hack/demo/run

.PHONY: plugin
plugin: ## Build the plugin as it is handed out: target/plugin/kubectl-rollback (10 min)
	cargo build --locked --profile plugin --no-default-features --features cli --bin kubectl-rollback

.PHONY: bench-check
bench-check: ## Count the instructions of the critical paths; fail where they differ by more than 5 %
	hack/test critical-paths

.PHONY: bench-accept
bench-accept: ## Make the counts of now the ones to hold against: give the reason in the commit
	hack/critical-paths accept

.PHONY: bench-undo
bench-undo: ## Print the table of docs/performance.md: undos in simulated time against their bound
	cargo run --locked --quiet --config tests/simulation/profile.toml --no-default-features --features operator,sim \
	  --example simulation -- measure

.PHONY: bench
bench: ## Measure undos of many kinds and sizes: a table, target/bench.json, target/bench.html (20 min)
	hack/tools/build >/dev/null
	$(measured)
	target/measured/rollback-bench suite --page target/bench.html $(if $(COMPARE),--compare $(COMPARE)) --json target/bench.json

.PHONY: bench-soak
bench-soak: ## Undo again and again for ten minutes; fail if the operator's memory or open files grow
	hack/tools/build >/dev/null
	$(measured)
	target/measured/rollback-bench soak

.PHONY: bench-plugin
bench-plugin: ## Measure the plugin: its size and start, 100,000 operations, a report of 10,000 actions (16 min, after building)
	hack/tools/build >/dev/null
	$(measured)
	$(MAKE) plugin
	target/measured/rollback-bench plugin --program target/plugin/kubectl-rollback

.PHONY: bench-scale
bench-scale: ## Measure the operator beside 10,000 Rollbacks and 100,000 records, on real components (10 min)
	hack/tools/build >/dev/null
	$(measured)
	target/measured/rollback-bench scale

.PHONY: bench-peer
bench-peer: ## Undo the same with awsideman and with the operator, and see which results are true (15 min)
	hack/tools/build >/dev/null
	hack/tools/python hack/peer/requirements.txt >/dev/null
	$(measured)
	target/measured/rollback-bench peer

.PHONY: bench-real
bench-real: ## Measure an undo of 1,000 actions on real components and in real time (4 min)
	hack/tools/build >/dev/null
	$(measured)
	target/measured/rollback-bench undo
