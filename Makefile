# The one entry point for people and for CI. `make` lists the targets.

CARGO ?= cargo
CARGO_TARGET_DIR ?= target
# What the drills are made from.
SEEDS ?= $(shell seq 1 20)
cache := $(or $(FAIRLANE_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/fairlane)
fairlane := $(CARGO_TARGET_DIR)/release/fairlane

# One feature set for lint, test and the rest: build scripts and macros are then compiled once.
features := --features embed
# Tests may end a process between two writes; a program that is meant to run has no such places.
test_features := --features embed,failpoints

# Most tests wait for a server, a timer or a child: more of them than processors keep the processors busy.
export RUST_TEST_THREADS ?= 4

# Runs a command with a nats-server and the model at hand: $(call with_tools) COMMAND
with_tools = server=$$(deploy/nats/get-server.sh) && model=$$(deploy/model/get-minilm.sh) && \
	FAIRLANE_NATS_SERVER=$$server FAIRLANE_MODEL_DIR=$$model

# The same with the clients that the examples in Python and Node need.
with_clients = clients=$$(deploy/clients/get-clients.sh) && export FAIRLANE_CLIENTS=$$clients && $(with_tools)

# cargo-deny takes minutes to build, so it is never built behind anybody's back: see `deny`.
deny_version := 0.20.2
deny_root := $(cache)/cargo-deny-$(deny_version)
export PATH := $(PATH):$(deny_root)/bin
deny_checks := bans licenses sources
deny_check := $(CARGO) deny check --hide-inclusion-graph

.PHONY: help build demo test lint fmt bench bench-pick bench-embed policies live statistics overload drill goldens deny advisories install-deny

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS='	' read -r target does; do printf '  %-12s %s\n' "$$target" "$$does"; done

build: ## the release binary, with the embedding executor
	$(CARGO) build --release $(features)

demo: build ## a whole mesh on this machine: server, coordinator, worker, real embeddings
	$(with_tools) $(fairlane) demo $(ARGS)

test: ## every test, against a real nats-server, the real model and workers in three languages
	$(with_clients) $(CARGO) test $(test_features) $(ARGS)

lint: ## format, clippy, shell syntax, dependency rules
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets $(test_features) -- -D warnings
	@for script in deploy/*.sh deploy/*/*.sh; do sh -n "$$script" || exit; done
	@bash -n .ci/run
	@if $(CARGO) deny --version >/dev/null 2>&1; then \
		$(deny_check) $(deny_checks); \
	else \
		echo "left out: dependency rules ($(deny_checks)), because cargo-deny is not installed; 'make deny' installs it (minutes) and checks them" >&2; \
	fi

fmt: ## format the code
	$(CARGO) fmt

bench: build ## measure this machine against the bare JetStream floor
	$(with_tools) $(fairlane) bench $(ARGS)

bench-pick: ## what one choice of the scheduler costs, under every rule
	$(CARGO) bench --bench pick

bench-embed: ## what the embedding model does without a mesh
	$(with_tools) $(CARGO) bench $(features) --bench embed

policies: ## every rule on a real mesh beside the simulator; the machine must have nothing else to do
	@server=$$(deploy/nats/get-server.sh) && export FAIRLANE_NATS_SERVER=$$server && \
		POLICIES_MEASURED=1 $(CARGO) test $(test_features) --test it -- --nocapture policies::

live: ## 200 changes of the policy over 20 workers, 500 documents beside 20,000 tasks (about 5 minutes)
	@server=$$(deploy/nats/get-server.sh) && export FAIRLANE_NATS_SERVER=$$server && \
		POLICY_CHANGES=200 POLICY_DOCUMENTS=500 POLICY_TASKS=20000 \
		$(CARGO) test $(test_features) --test it -- --nocapture live::fleet live::storm live::limits

statistics: ## how often rollouts and comparisons are wrong, over 1,000 seeds (about an hour)
	ROLLOUT_SEEDS=1000 $(CARGO) test --release --lib -- policy::rollout policy::compare --nocapture

overload: ## three times the load a mesh bears for a minute, and back (about 5 minutes)
	@server=$$(deploy/nats/get-server.sh) && export FAIRLANE_NATS_SERVER=$$server && \
		OVERLOAD_S=60 $(CARGO) test $(test_features) --test it -- --nocapture overload::three_times

drill: ## kill parts of a mesh while it works, 20 times over: SEEDS="1 2" ARGS="--logs DIR" (about 25 minutes)
	$(CARGO) build $(test_features)
	@server=$$(deploy/nats/get-server.sh) && export FAIRLANE_NATS_SERVER=$$server && for seed in $(SEEDS); do \
		$(CARGO_TARGET_DIR)/debug/fairlane drill run chaos-mini --json --seed $$seed $(ARGS) || failed="$$failed $$seed"; \
	done; [ -z "$$failed" ] || { echo "failed:$$failed" >&2; exit 1; }

goldens: ## rewrite the golden files and expect![] blocks from what the code does now
	UPDATE_GOLDENS=1 UPDATE_EXPECT=1 $(MAKE) test

deny: install-deny ## dependency rules: bans, licences, sources (installs cargo-deny)
	$(deny_check) $(deny_checks)

advisories: install-deny ## known vulnerabilities; needs the network, and fails without it
	$(deny_check) advisories

install-deny:
	@$(CARGO) deny --version >/dev/null 2>&1 || \
		$(CARGO) install cargo-deny --locked --version $(deny_version) --root $(deny_root)
