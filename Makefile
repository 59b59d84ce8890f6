# Two commands matter: `make run` and `make test`. `make help` lists the rest.
# Go alone builds and runs the program; npm is used to fetch a database where none is installed, and to change the CSS.

BIN := bin/dashtam

.PHONY: help run demo test check generate css lint bench storm timing faults fuzz dev build security-report

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F'\t' '{printf "  make %-15s %s\n", $$1, $$2}'

run: build ## start Dashtam with its own database and a sandbox bank
	@exec $(BIN) serve

demo: build ## start Dashtam with a person who has three years of data
	@exec $(BIN) demo

dev: generate css build ## like run, after making templates and CSS anew
	@exec $(BIN) serve

# The first build compiles everything, so it leaves out what is stripped anyway and collects garbage half as often.
build:
	@CGO_ENABLED=0 GOGC=200 go build -gcflags=all=-dwarf=false -ldflags='-s -w' -o $(BIN) ./cmd/dashtam

# The race detector needs cgo and a C compiler; without one the tests run without it.
RACE = $(shell [ "$$(go env CGO_ENABLED)" = 1 ] && command -v "$$(go env CC)" >/dev/null && echo -race)

# Without a browser the browser tests fail, and say what to do.
test: ## every test, on a throw-away database
	DASHTAM_TEST_CHROMIUM="$$(.ci/chromium)" go test $(RACE) -timeout 40m $(TESTFLAGS) ./...

check: ## what has to hold before a change is accepted
	@.ci/check

lint: bin/tools/golangci-lint bin/tools/staticcheck ## golangci-lint and staticcheck
	bin/tools/golangci-lint run ./... ./.ci/security
	bin/tools/staticcheck ./... ./.ci/security

bin/tools/%: .ci/tools/go.mod .ci/tools/go.sum
	@mkdir -p bin/tools
	cd .ci/tools && go build -o ../../bin/tools/ tool

generate: ## templates to Go
	go tool templ generate -path .

css: node_modules/.package-lock.json ## static/input.css to static/app.css
	npx --no-install tailwindcss -i static/input.css -o static/app.css --minify

node_modules/.package-lock.json: package-lock.json
	npm ci --no-audit --no-fund --ignore-scripts
	@touch $@

bench: ## the figures of the README, for this machine
	go test -run '^$$' -bench . -skip 'Storm|Timing' -benchmem ./...

storm: ## a hundred people log in at once, in five placements, three ways: half an hour, and root for two of the placements
	go test -run '^$$' -bench Storm -benchtime 1x -timeout 90m ./cmd/dashtam

timing: ## whether a clock tells which addresses have an account: ten minutes
	go test -run '^$$' -bench Timing -benchtime 1x -timeout 60m ./cmd/dashtam

faults: ## every way to lose a bank's answer, at every byte, and a process killed at every step: four minutes
	DASHTAM_FAULTS=all go test -v -count=1 -timeout 60m -run '_F[0-9][0-9]' ./services/... ./handlers

FUZZTIME ?= 20s
fuzz: ## every fuzz target, FUZZTIME each
	@for package in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$package | grep ^Fuzz); do \
			echo "$$package $$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
		done; \
	done

security-report: ## each security requirement: its tests, their result, and the break that turns them red
	@go run ./.ci/security $(SECURITYFLAGS)
