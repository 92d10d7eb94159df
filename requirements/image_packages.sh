#!/bin/sh
# Install a locked list of packages into /opt/stetho of an image, without what only developers of them need, and without
# parts that none of our programs uses: other databases, AVIF and WebP, formats in which fonts are designed.
# usage: image_packages.sh LIST        e.g. image_packages.sh worker.txt
set -eu
apt-get update && apt-get install -y --no-install-recommends binutils
python -m venv --without-pip /opt/stetho
pip --python /opt/stetho/bin/python install --no-cache-dir --disable-pip-version-check --root-user-action ignore --require-hashes --requirement "$1"
# Not '*.pyi': librosa reads its own when it is imported.
find /opt/stetho -type f \( -name '*.pxd' -o -name '*.h' -o -name '*.a' \) -delete
# numpy.testing, which scipy imports, needs this one file.
find /opt/stetho -type f -path '*/tests/*' ! -name _natype.py -delete
for site in /opt/stetho/lib/python3*/site-packages; do
  rm -rf "$site"/sqlalchemy/testing "$site"/sqlalchemy/dialects/m[sy]* "$site"/sqlalchemy/dialects/oracle
  rm -rf "$site"/numpy/distutils "$site"/numpy/_core/_simd.*
  rm -rf "$site"/PIL/_avif.* "$site"/PIL/_webp.* "$site"/pillow.libs/libavif* "$site"/pillow.libs/libwebp*
  for each in cu2qu diff merge mtiLib qu2cu ufoLib voltLib; do rm -rf "$site/fontTools/$each"; done
done
find /opt/stetho -depth -type d -empty -delete
# Symbols for debuggers: up to nine tenths of a library. Those in folders `….libs` were moved about, and end by it.
find /opt/stetho -type f -name '*.so*' ! -path '*.libs/*' ! -path '*/tensorflow/*' -exec strip --strip-unneeded {} +
