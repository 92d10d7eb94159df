#!/bin/sh
# Install a locked list of packages into /opt/stetho of an image, without what only developers of them need.
# usage: image_packages.sh LIST        e.g. image_packages.sh worker.txt
set -eu
python -m venv --without-pip /opt/stetho
pip --python /opt/stetho/bin/python install --no-cache-dir --disable-pip-version-check --root-user-action ignore --require-hashes --requirement "$1"
# Not '*.pyi': librosa reads its own when it is imported.
find /opt/stetho -type f \( -name '*.pxd' -o -name '*.h' -o -name '*.a' \) -delete
# numpy.testing, which scipy imports, needs this one file.
find /opt/stetho -type f -path '*/tests/*' ! -name _natype.py -delete
find /opt/stetho -depth -type d -empty -delete
