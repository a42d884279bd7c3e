# SPDX-License-Identifier: GPL-2.0-only
# A thin door: every target does all it needs, packages and build included.
PREFIX ?= /usr# edgefw looks for its profiles in /usr/share/edgefw/profiles
# Most of its time a story waits.
STORIES_AT_ONCE ?= $(shell expr 1 + $$(nproc))
CTEST = ctest --test-dir build --output-on-failure --no-tests=error

# A skipped test is a failure here: no ring quietly never runs. EDGEFW_NO_SKIP=0 allows skips.
export EDGEFW_NO_SKIP ?= 1
define ring
	$(CTEST) $(2) -L '^$(1)$$' --output-log build/$(1)-ring.log
	@if [ "$$EDGEFW_NO_SKIP" = 1 ] && grep -E '\((Skipped|Disabled)\)' build/$(1)-ring.log; \
	then echo 'make: skipped tests in the $(1) ring, and EDGEFW_NO_SKIP=1'; exit 1; fi
endef

.PHONY: demo test test-unit test-kernel test-e2e test-kernels build bench docs install lint format clean
.PHONY: deps deps-build deps-lint deps-kernels configure binary
.NOTPARALLEL:

demo: deps binary
	scripts/demo

test: test-unit test-kernel test-e2e

test-unit: deps configure
	cmake --build build --target unit_tests fuzz
	$(call ring,unit,-j2)

test-kernel: deps configure
	cmake --build build --target kernel_tests
	$(call ring,kernel,-j2)

test-e2e: deps binary
	$(call ring,e2e,-j$(STORIES_AT_ONCE))

# Not part of `test`: it boots kernels, which takes up to 20 minutes. KERNELS=--quick: the shortest round of all of them.
test-kernels: deps-kernels configure
	cmake --build build --target edgefw kernel_tests
	scripts/test-kernels $(KERNELS)

build: deps-build binary

bench: deps configure
	cmake --build build --target edgefw_bench
	build/edgefw_bench build/benchmarks.md

# The pages of docs/ that are made from the sources.
docs: build
	scripts/generate-reasons >build/reasons.md
	mv build/reasons.md docs/reasons.md
	scripts/generate-profile-pages

install: build
	cmake --install build --prefix $(PREFIX) --strip

lint: deps-lint
	scripts/check-style
	find userspace maps bpf tests bench -name '*.cpp' -o -name '*.[ch]' | xargs clang-format --dry-run -Werror
	cmake --preset lint
	cmake --build build/lint --target skeletons bpf_tidy
	run-clang-tidy -quiet -p build/lint '$(CURDIR)/(userspace|tests|bench)/'

format: deps-lint
	find userspace maps bpf tests bench -name '*.cpp' -o -name '*.[ch]' | xargs clang-format -i

clean:
	rm -rf build

deps:
	@scripts/bootstrap
deps-build:
	@scripts/bootstrap --build
deps-lint:
	@scripts/bootstrap --lint
deps-kernels:
	@scripts/bootstrap --kernels

configure:
	@test -f build/build.ninja || cmake --preset release

binary: configure
	cmake --build build --target edgefw
