# make benchmark   from a fresh clone to results/report.html (sets itself up)
# make test        the suite            make lint    every linter
# make test-long   its long tests, half a minute or more each
# make docs        the documentation site in build/docs
# make smoke       one small real run   make lock    pin the newest dependencies again
# make test-faults injects faults into real runs (some tests need root)
# make vendor      fetch the report's JavaScript libraries again, checked by hash (needs npm)
# make wheel       sdist and wheel in build/dist, checked      make release   the same, if the version can be released
# make test-slurm  tests on a real SLURM cluster, started on this machine (Debian, as root)
PYTHON ?= python3
VENV   := .venv
READY  := $(VENV)/.ready
BIN    := $(VENV)/bin

.PHONY: benchmark test test-long test-faults test-slurm docs wheel release lint smoke lock vendor clean
.DELETE_ON_ERROR:

benchmark: $(READY)
	$(BIN)/snakemake --cores all

# Each file of tests runs in one process, in which its tests share runs. TORCH=oldest (or newest) replaces the locked
# torch by the oldest that pyproject.toml allows (or the newest).
TORCH  ?= locked
OLDEST := 2.10.*
test: $(READY)
	case $(TORCH) in \
	  locked) ;; \
	  oldest) $(BIN)/uv pip install --quiet --python $(BIN)/python "torch==$(OLDEST)" torchvision ;; \
	  newest) $(BIN)/uv pip install --quiet --python $(BIN)/python --upgrade torch torchvision ;; \
	  *) echo "TORCH must be locked, oldest or newest"; exit 1 ;; \
	esac
	$(BIN)/python -m pytest --numprocesses logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder

test-long: $(READY)
	$(BIN)/python -m pytest -m long --numprocesses logical --maxprocesses 8

test-faults: $(READY)
	$(BIN)/python -m pytest -m faults

# SLURM=smoke runs only one of them.
test-slurm: $(READY)
	bash tests/slurm/cluster.sh install
	$(BIN)/python -m pytest -m slurm tests/slurm -k "$(SLURM)"

# A broken reference, a missing page and any other warning is an error.
docs: $(READY)
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet --jobs auto docs build/docs

wheel: $(READY)
	rm -rf build/dist
	$(BIN)/python -m hatchling build --directory build/dist
	$(BIN)/python -m twine check --strict build/dist/*

release: $(READY)
	$(PYTHON) envs/release.py
	$(BIN)/uv tool run --quiet cffconvert==2.0.0 --validate --infile CITATION.cff
	$(MAKE) lint test test-long docs wheel

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint
	$(BIN)/hadolint Containerfile

# One small experiment through the real Snakefile, in its own folder.
smoke: $(READY)
	rm -rf build/smoke && mkdir -p build/smoke
	$(BIN)/snakemake --cores all --directory build/smoke --configfile experiments/smoke.yaml
	test -s build/smoke/results/experiments/smoke/report.html

# The lock is installed with uv (five times faster than pip); uv itself is pinned by hash as well.
$(READY): requirements.lock envs/installer.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "labelnoise needs Python 3.11 or newer; name one: make PYTHON=python3.12 …"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r envs/installer.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@

lock: $(READY)
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-annotate --no-header --constraints envs/lock-constraints.txt --group dev pyproject.toml --output-file requirements.lock
	echo uv | $(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-annotate --no-header \
	  - --output-file envs/installer.lock

vendor:
	$(PYTHON) envs/vendor.py

clean:
	rm -rf build .pytest_cache .ruff_cache
