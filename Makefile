# Flags for go test, such as TESTFLAGS=-v.
TESTFLAGS ?=
# How long each fuzz target runs in `make fuzz`.
FUZZTIME ?= 30s
# Tests of what happens at once, by the requirement in their name or by a word.
RACES ?= Test(B06|D02|D07|E03|E04|E06|F02|F04|F05|F06|G02|G07|G09|H06|H08|J01|L01|L04|P03|P09|P15)_|Race|AtOnce|Concurrent|Parallel|Simultaneous

E2E = github.com/go-mfa/mfa/internal/e2e

.PHONY: test test-long lint fuzz bench bench-long tools

# Everything, in every module. The stores come by themselves: there hundreds of
# requests with deadlines are under way at once.
test: tools
	go test -race -timeout 20m $(TESTFLAGS) $$(go list work | grep -v '^$(E2E)/stores$$')
	go test -race -timeout 20m $(TESTFLAGS) $(E2E)/stores

# What takes too long for every change, hours in all: races twenty times, the
# browser five times, every store in its long form (clusters, too, and five
# hundred kills), how long sign-ins take without the race detector, fuzzing.
test-long: tools
	go test -race -timeout 4h -count=20 -run '$(RACES)' $(TESTFLAGS) work
	go test -race -timeout 2h -count=5 $(TESTFLAGS) $(E2E)/browser $(E2E)/webapp
	MFA_LONG=1 go test -race -timeout 4h $(TESTFLAGS) $(E2E)/stores
	MFA_LONG=1 go test -run TestN02_ $(TESTFLAGS) $(E2E)/stores
	MFA_LONG=1 go test -race -timeout 2h -run TestP09_ $(TESTFLAGS) $(E2E)/webapp
	$(MAKE) fuzz FUZZTIME=2m

lint:
	.ci/lint

fuzz:
	.ci/fuzz $(FUZZTIME)

bench:
	cd bench && go run .

# Databases of a million users, and of several processes at once: some ten
# minutes and 4 GB of disk.
bench-long:
	cd bench && go run . -scale
	cd bench && go run . -processes

# The programs that tests drive. Where they cannot be installed, the tests that
# need them skip and say so.
tools:
	.ci/tools
