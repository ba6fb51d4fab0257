# make run             start everything on this machine; flags go in ARGS: make run ARGS="--port 9000 --fresh"
# make test            run all tests over real PostgreSQL and Redis, and with other people's clients, installing what is missing
# make lint            formatting, vet, staticcheck, and generated code that must be up to date
# make generate        make the generated code anew
# make bench           run the benchmarks
# make prove           run the proofs: many clients at once (CLIENTS), kills in the middle; who follows, in storms; who is signed in, while Redis fails; random worlds (CHECKS); planted faults
# make prove-messages  prove that messages (MESSAGES in 10 minutes) arrive once and in time while workers are killed, Redis fails or a vendor hangs; wherever a worker is killed; while RACES visits
#                      change; and that DEAD ones are replayed once; then faults are planted that tests must notice: two hours
# make prove-access    take each check behind the table of rights away in turn: half an hour
# make release-check   refuse a release whose flags have expired
# make audit           look at the code, its dependencies and for secrets; write an SBOM to dist/. It says what it had to skip
# make fuzz            give every fuzz target some time (FUZZTIME)

GO := $(shell command -v go || echo /usr/local/go/bin/go)
# Where /proc isn't mounted (a bare chroot), Go doesn't find its own folder.
ifeq ($(shell $(GO) env GOROOT 2>/dev/null),)
export GOROOT := $(patsubst %/bin/go,%,$(realpath $(GO)))
endif
GOFMT = $(shell $(GO) env GOROOT)/bin/gofmt
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME ?= 30s
CLIENTS ?= 1000
RACES ?= 10000
DEAD ?= 25000
MESSAGES ?= 10000
CHECKS ?= 5000
# The packages whose tests take longest begin first, so that none of them is left running alone. So many packages are tested together: on two
# cores, one more than there are, as tests wait for servers that start, stop or are away. Where there are more: make test TOGETHER=8.
LONGEST := ./test/clients ./internal/postgres ./internal/app ./bench/prove ./bench
TOGETHER ?= 3
# The packages with checks of random worlds, and those with benchmarks, which the tests run once so that none rots.
RANDOM_CHECKS := ./internal/availability ./internal/clock ./internal/reminder
BENCHMARKS := ./internal/availability ./internal/intake ./resolvers
ROOTS := /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem /etc/ssl/cert.pem
GENERATED := graph/generated graph/model resolvers docs/access.md

# No C compiler is needed to build or to test. Tests build the program, so that they must find Go, too.
export CGO_ENABLED := 0
export PATH := $(PATH):$(dir $(GO))

.PHONY: run build test lint formatted fresh generate bench prove prove-messages prove-access release-check audit fuzz servers tools roots

run: build
	@exec bin/mediconnect dev $(ARGS)

build: roots
	@echo "Building MediConnect (the first time, Go fetches modules: a minute or two)" >&2
	@$(GO) build -buildvcs=false -o bin/mediconnect ./cmd/mediconnect

test: tools
	$(GO) test -p $(TOGETHER) -timeout 20m $(LONGEST) ./...
	$(GO) test -run '^$$' -bench . -benchtime 1x $(BENCHMARKS)
	@$(GO) run -buildvcs=false ./cmd/mediconnect flags check || echo "*** A release would be refused: see docs/flags.md ***" >&2

lint: roots formatted
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	@$(MAKE) --no-print-directory fresh

formatted: roots
	@bad=$$($(GOFMT) -l $$($(GO) list -f '{{.Dir}}' ./...)) && if [ -n "$$bad" ]; then echo "not formatted:"; echo "$$bad"; exit 1; fi

# What is generated is made anew and must not differ.
fresh:
	@sum() { find $(GENERATED) -type f | sort | xargs cksum; }; \
	before=$$(sum) && $(MAKE) --no-print-directory generate && \
	if [ "$$before" != "$$(sum)" ]; then echo "generated code was out of date; commit what make generate made"; exit 1; fi

# Lists and ids are written by graph/generated/list.go, and nothing is prepared for @defer, which is not served.
generate: roots
	$(GO) run github.com/99designs/gqlgen generate
	$(GOFMT) -w -r 'graphql.MarshalSliceConcurrently(a, b, c, d, e) -> marshalList(a, sel, b, e)' graph/generated
	$(GOFMT) -w -r 'out.ResolveConcurrently(o, d, i, a, b, f) -> resolve(ctx, out, field, o, d, i, a, b, f)' graph/generated
	$(GOFMT) -w -r 'graphql.NewDeferredGroup(a) -> graphql.DeferredGroup{}' graph/generated
	$(GO) test -count=1 -run 'DocumentedTable' ./graph/policy -write

bench: servers
	$(GO) test -timeout 120m -run '^$$' -bench . ./...

prove: servers
	$(GO) test -count=1 -timeout 60m -v ./bench/prove -clients $(CLIENTS) -closed 200
	$(GO) test -count=1 -timeout 60m $(RANDOM_CHECKS) -rapid.checks=$(CHECKS)
	$(GO) test -count=1 -timeout 60m -run WhatIsListed ./internal/postgres -rapid.checks=$$(( $(CHECKS) / 10 ))
	$(GO) test -count=1 -timeout 60m -run WhoFollows ./internal/postgres -rapid.checks=$$(( $(CHECKS) / 10 ))
	$(GO) test -count=1 -timeout 60m -run SearchesFind ./internal/postgres -rapid.checks=$$(( $(CHECKS) / 25 ))
	$(GO) test -count=1 -timeout 60m -v -run 'ThreeRooms|MovesThatCross|OfTwoBookingsAtOnce|StormOfSwaps' ./internal/postgres -claimants 1000 -crossings 1000 -meetings 1000 -swaps 1000
	$(GO) test -count=1 -timeout 60m -v -run ShadowSlows ./bench/prove -clients $(CLIENTS) -shadow 400
	$(GO) test -count=1 -timeout 60m -v -run FreedTimesFind ./bench/prove -freed 100 -waiting 440
	$(GO) test -count=1 -timeout 60m -v -run LeavesNothingBehind ./graph/socket -comings 10000
	$(GO) test -count=1 -timeout 60m -v -run ManyKeysOfAnAccount ./internal/app -keys 1000000
	$(GO) test -count=1 -timeout 60m -v -run BookedToTheirCapacity ./internal/intake -whole
	$(GO) test -count=1 -timeout 60m -v -run EveryPlantedFault ./bench/planted -plant
	$(GO) test -count=1 -timeout 60m -v -run EveryFaultOfConflictRules ./bench/planted -plant
	$(GO) test -count=1 -timeout 30m -v -run EveryFaultOfApprovals ./bench/planted -plant
	$(GO) test -count=1 -timeout 60m -v -run EveryFaultOfFreedTimes ./bench/planted -plant

prove-messages: servers
	$(GO) test -count=1 -timeout 120m -v -run 'Messages|VendorThatHangs' ./bench/prove -clients $(CLIENTS) -messages $(MESSAGES) -within 10m
	$(GO) test -count=1 -timeout 90m -v -run 'ToldOnce|DeadLettersAre|AfterItsChange' ./bench/prove -points 1 -races $(RACES) -dead $(DEAD)
	$(GO) test -count=1 -timeout 90m -v -run EveryFaultOfMessages ./bench/planted -plant

prove-access: servers
	$(GO) test -count=1 -timeout 120m -v -run EveryCheckThatIsMissing ./bench/planted -plant

release-check: build
	@bin/mediconnect flags check

# Tools of exact versions, which Go fetches and builds the first time: minutes. It isn't part of continuous integration.
audit: roots
	@.ci/audit

fuzz: servers
	@packages=$$($(GO) list ./...) && for package in $$packages; do \
		listed=$$($(GO) test -list '^Fuzz' "$$package") || { echo "$$listed"; exit 1; }; \
		for target in $$(echo "$$listed" | grep '^Fuzz'); do \
			echo "$$package $$target" && $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$package" || exit 1; \
		done; \
	done

# PostgreSQL's and Redis's programs.
servers: roots
	@$(GO) run -buildvcs=false ./cmd/mediconnect dev install

# The same, and Node.js with npm, for tests of other people's clients.
tools: roots
	@$(GO) run -buildvcs=false ./cmd/mediconnect dev install --tests

# A bare Linux knows no certificate authorities, and then Go can't fetch modules.
roots:
	@command -v $(GO) >/dev/null || { echo "Go is missing: see https://go.dev/dl" >&2; exit 1; }
	@[ "$$(uname)" != Linux ] || for roots in $(ROOTS); do [ ! -e $$roots ] || exit 0; done; \
	[ "$$(uname)" != Linux ] || sh internal/devstack/install.sh ca-certificates >&2 || \
	echo "going on without certificate authorities; Go may not be able to fetch modules" >&2
