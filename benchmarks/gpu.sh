#!/usr/bin/env bash
# Runs everything that needs a GPU in under eight minutes, without Snakemake: the tests, then the speeds.
#   bash benchmarks/gpu.sh [FOLDER] [cifar10.npz]     writes FOLDER/tests.txt and FOLDER/gpu.csv (default: build/gpu)
# Needs torch, torchvision, scikit-learn, PyYAML, pydantic (for annotated_types) and pytest.
set -uo pipefail
cd "$(dirname "$0")/.."
out=${1:-build/gpu}
mkdir -p "$out"
python=${PYTHON:-python3}
export PYTHONPATH="src:benchmarks${PYTHONPATH:+:$PYTHONPATH}"

$python -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' || { echo "there is no CUDA device here"; exit 1; }
timeout 150 $python -m pytest -m gpu tests/training/test_gpu.py 2>&1 | tee "$out/tests.txt"
tests=$?
timeout 310 $python benchmarks/gpu.py ${2:+--cifar10 "$2"} | tee "$out/gpu.csv"
exit $((tests || $?))
