# Flags for go test, such as TESTFLAGS=-v.
TESTFLAGS ?=
# How long each fuzz target runs in `make fuzz`.
FUZZTIME ?= 30s
# Tests of what happens at once, by the requirement in their name or by a word.
RACES ?= Test(B06|D02|D07|E03|E04|E06|G02|G07|G09|H06|H08|J01|L04|P03|P09|P15)_|Race|AtOnce|Concurrent|Parallel|Simultaneous

.PHONY: test test-long lint fuzz bench tools

# Everything, in every module.
test: tools
	go test -race -timeout 20m $(TESTFLAGS) work

# What takes too long for every change: races twenty times, the browser five
# times, the server killed five hundred times, fuzzing.
test-long: tools
	go test -race -timeout 2h -count=20 -run '$(RACES)' $(TESTFLAGS) work
	go test -race -timeout 2h -count=5 $(TESTFLAGS) github.com/go-mfa/mfa/internal/e2e/...
	MFA_LONG=1 go test -race -timeout 2h -run TestP09_ $(TESTFLAGS) github.com/go-mfa/mfa/internal/e2e/webapp
	$(MAKE) fuzz FUZZTIME=2m

lint:
	.ci/lint

fuzz:
	.ci/fuzz $(FUZZTIME)

bench:
	cd bench && go run .

# The programs that tests drive. Where they cannot be installed, the tests that
# need them skip and say so.
tools:
	.ci/tools
