#!/usr/bin/env bash
# Runs everything that needs a GPU in at most 480 s, without Snakemake and pydantic: the tests, then the speeds.
#   bash benchmarks/gpu.sh [FOLDER] [cifar10.npz]     writes FOLDER/tests.txt and FOLDER/gpu.csv (default: build/gpu)
#   bash benchmarks/gpu.sh --packages                 puts pytest into build/gpu-packages, to carry to a bare machine
# Needs torch, torchvision, scikit-learn and PyYAML. Where pytest is not installed and not in build/gpu-packages, the
# tests are left out and the script says so.
set -uo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
if [ "${1:-}" = --packages ]; then
  exec $python -m pip install --quiet --target build/gpu-packages pytest
fi
out=${1:-build/gpu}
mkdir -p "$out"
export PYTHONPATH="src:tests:benchmarks:build/gpu-packages${PYTHONPATH:+:$PYTHONPATH}"

$python -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' || { echo "there is no CUDA device here"; exit 1; }
tests=0
if $python -c 'import pytest' 2>/dev/null; then
  # Without the suite's conftest, whose fixtures need packages that a bare machine lacks.
  timeout 120 $python -m pytest -q --noconftest -m gpu tests/training/test_gpu.py 2>&1 | tee "$out/tests.txt"
  tests=$?
else
  echo "pytest is not installed: the tests are left out" | tee "$out/tests.txt"
fi
timeout 355 $python benchmarks/gpu.py ${2:+--cifar10 "$2"} | tee "$out/gpu.csv"
exit $((tests || $?))
