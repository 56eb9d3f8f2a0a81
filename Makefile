# The front door. The work is done by the scripts in .ci/.
.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench lint fmt docs golden wasm weight npm pwa app screenshots sim storm circles ci db-start db-stop clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12
setup: ## install all that any target needs; each installs its own part by itself
	@.ci/setup
demo: ## build, start everything, and take the tour (DEMO_EXIT=1 stops after it)
	@.ci/demo
test: ## run every test, with a private PostgreSQL unless DATABASE_URL is set
	@.ci/test
check: ## the quick checks: format, spelling, paths, layers, dependencies
	@.ci/run fmt typos paths layering unused deny
lint: ## clippy, warnings are errors
	@.ci/lint
fmt: ## format the code
	@cargo fmt --all
docs: ## write docs/FIELDS.md, fields.json and the package's reference (docs/api), and check the documentation
	@cargo run -q -p sync-core --example fields
	@cd wasm-bindings/npm && npm ci --silent --no-audit --no-fund && node generate.mjs && npm run --silent docs -- --logLevel Warn
	@.ci/docs
golden: ## write the golden corpus anew; read its README first
	@cargo run -q -p sync-core --all-features --example golden
wasm: ## build the browser's engine
	@.ci/wasm
weight: ## build the browser's engine and say what weighs what in it
	@.ci/wasm && node wasm-bindings/npm/weight.mjs "$${CARGO_TARGET_DIR:-target}/wasm32-unknown-unknown/wasm/wasm_bindings.wasm"
npm: ## build the npm package and try it in Chromium
	@.ci/npm
pwa: ## build the app that reps use, and try it in Chromium
	@.ci/pwa
screenshots: ## take a picture of every screen of the app, phone and desk, light and dark
	@.ci/screenshots
app: ## build the app in the browser, packed, into wasm-bindings/pwa/dist
	@.ci/app
bench: ## measure against floors of the same run; writes target/bench/results.json
	@.ci/bench
sim: ## simulate SEEDS=300 worlds of each trade, or replay PLAN=file; writes docs/SIMULATION.md from 10000 seeds on
	@.ci/sim
storm: ## RUNS=200 of real devices and servers that die, stand still and have bad networks
	@RUNS=$${RUNS:-200} .ci/test -p sync-server -p client-sdk --success-output immediate -E 'test(storm::)'
circles: ## list every circle of files that import each other
	@node .ci/circles.mjs --report
ci: ## everything that CI checks, the tests included
	@.ci/run
db-start: ## start the private PostgreSQL and print its address
	@.ci/postgres start && .ci/postgres url
db-stop: ## stop the private PostgreSQL
	@.ci/postgres stop
clean: db-stop ## remove what was built, and the private database
	@.ci/postgres reset; cargo clean
