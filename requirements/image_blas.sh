#!/bin/sh
# Give the numpy of an image the reference BLAS and LAPACK of Debian in the place of OpenBLAS: 1.4 MB instead of 25, for
# programs that multiply few matrices. What numpy calls has names of its own, so the library is linked anew under those;
# a function that is missing ends the build.
# usage: image_blas.sh
set -eu
apt-get install -y --no-install-recommends binutils gcc libblas64-dev libc6-dev liblapack64-dev
cd /opt/stetho/lib/python3*/site-packages/numpy.libs
work=$(mktemp -d)
nm --dynamic --undefined-only ../numpy/_core/*.so ../numpy/linalg/*.so | sed -n 's/^ *U \(scipy_.*\)64_$/\1/p' | sort -u >"$work/names"
sed 's/^scipy_\(.*\)/\1 &64_/' "$work/names" >"$work/renamed"
for each in blas64/libblas64.a liblapack64_pic.a; do
  objcopy --redefine-syms="$work/renamed" /usr/lib/*-linux-gnu/"$each" "$work/${each##*/}"
done
# Its own says on stderr which argument of a call from C is wrong, which no call of numpy is.
echo 'void cblas_xerbla(void) { __builtin_trap(); }' >"$work/error.c"
echo '{ global: scipy_*; local: *; };' >"$work/exported"
name=$(echo libscipy_openblas64_*.so)
gcc -shared -fPIC -s -o "$work/$name" -Wl,-soname,"$name" -Wl,-rpath,'$ORIGIN' -Wl,-z,defs -Wl,--version-script,"$work/exported" \
  $(sed 's/.*/-Wl,-u,&64_/' "$work/names") "$work/error.c" "$work/liblapack64_pic.a" "$work/libblas64.a" libgfortran*.so* -lm
mv "$work/$name" "$name"
/opt/stetho/bin/python -c '
import numpy as np
m = np.arange(12, dtype=np.float32).reshape(4, 3) ** 2
assert np.allclose(m @ m.T, np.einsum("ik,jk", m, m)) and np.allclose(np.linalg.pinv(m) @ m, np.eye(3), atol=1e-3)
'
