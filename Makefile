# Two commands do everything on a bare Debian 12 machine that has the Swift 6.3 toolchain:
#   make run    installs the system libraries, builds a release binary and serves four local drives under ./data
#   make test   the same libraries, one build, all suites
# Apart from these, and not part of the tests:
#   make image  builds the container image without a daemon or a registry, and runs its binary (needs root)
.PHONY: run test image build packages venv lint unit conformance acceptance clean

LIBRARIES := liburing-dev libisal-dev libssl-dev libexpat1-dev libxxhash-dev libseccomp-dev libcurl4-openssl-dev libldap-dev zlib1g-dev libzstd-dev
# Exclusivity is checked by the compiler where it can be, and at run time in debug builds: here the checks cost a tenth of all CPU.
BUILD     := swift build -c release -Xswiftc -enforce-exclusivity=unchecked --explicit-target-dependency-import-check error
VENV      := .build/venv
BINARY    := .build/release/martlet
ADDRESS   ?= 127.0.0.1:9000

packages:
	@.ci/install-packages $(LIBRARIES)

run: packages
	@$(BUILD) --product martlet
	@mkdir -p data
	@exec $(BINARY) server --address $(ADDRESS) data/drive{1...4}

test: packages venv
	@.ci/step "format lint" swift format lint --strict --recursive Sources Tests Package.swift
	@.ci/step "build" $(BUILD) --build-tests
	@.ci/step "unit, tidy and simulation tests" swift test -c release --skip-build
	@.ci/step "conformance and crash tests" $(VENV)/bin/python -m pytest -q -p no:cacheprovider --durations=5 Tests/ConformanceTests Tests/CrashTests
	@MARTLET_TEST_TLS=1 .ci/step "conformance tests over TLS" $(VENV)/bin/python -m pytest -q -p no:cacheprovider --durations=5 Tests/ConformanceTests
	@.ci/step "robustness tests" $(VENV)/bin/python -m pytest -q -p no:cacheprovider --durations=5 Tests/RobustnessTests
	@.ci/step "operations tests" $(VENV)/bin/python -m pytest -q -p no:cacheprovider --durations=5 Tests/OperationsTests

image:
	@.ci/image

build: packages
	$(BUILD) --build-tests

lint:
	swift format lint --strict --recursive Sources Tests Package.swift

unit: packages
	swift test -c release --skip-build

venv: $(VENV)/.made

$(VENV)/.made: Tests/requirements.txt
	@.ci/install-packages python3-venv restic s3cmd curl slapd
	@python3 -m venv $(VENV)
	@$(VENV)/bin/pip install -q --disable-pip-version-check -r Tests/requirements.txt
	@touch $@

conformance: venv
	$(VENV)/bin/python -m pytest -q -p no:cacheprovider Tests/ConformanceTests

# Large data through real clients: the Swift toolchain's folder, 100,000 small files, one file of 6 GiB. Some minutes, 30 GiB of disk.
acceptance: venv
	$(BUILD) --product martlet
	$(VENV)/bin/python -m pytest -q -s -p no:cacheprovider Tests/AcceptanceTests

clean:
	rm -rf .build
