#!/bin/sh
# Make the base of an image small: remove what installs packages (pip, apt, dpkg, their Perl and libraries) or looks
# after a whole machine, what nobody reads in a container, and modules of Python that no server has; the rest of them
# goes compiled into the archive in which Python looks first. The list of packages stays, for programs that look for flaws.
#
# usage: image_base.sh --delete-from-this-system        in a Dockerfile alone: it destroys the machine that it runs on
set -eu
if [ "${1:-}" != --delete-from-this-system ]; then
  echo "image_base.sh deletes most of the system that it runs on: the Dockerfile calls it, nobody else should" >&2
  exit 2
fi
library=$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
for each in ensurepip idlelib lib2to3 pydoc_data test tkinter turtledemo; do rm -rf "${library:?}/$each"; done
for site in $(python -c 'import site; print(*site.getsitepackages())'); do
  rm -rf "$site"/pip* "$site"/setuptools* "$site"/pkg_resources* "$site"/_distutils_hack* "$site"/distutils-precedence.pth "$site"/wheel*
done
python - <<'END'
import shutil, sys, sysconfig, zipfile
from pathlib import Path

library = Path(sysconfig.get_path("stdlib"))
packages = [path.parent for path in library.glob("*/__init__.py")]
with zipfile.PyZipFile(next(each for each in sys.path if each.endswith(".zip")), "w", zipfile.ZIP_DEFLATED) as archive:
    for path in (library, *packages):
        archive.writepy(path)
for path in (*packages, library / "__pycache__"):
    shutil.rmtree(path)
for path in library.glob("*.py"):
    if path.name != "os.py":  # by which Python knows its library
        path.unlink()
END
programs=$(dpkg -L bsdutils diffutils gpgv login mawk mount ncurses-bin passwd tar util-linux util-linux-extra 2>/dev/null | sed -n 's|^\(/usr\)\?/bin/||p')
(cd /usr/bin && rm -f $programs)
rm -rf /root/.cache /var/cache/* /var/lib/apt /var/log/* /tmp/* \
  /usr/share/bash-completion /usr/share/doc /usr/share/info /usr/share/locale /usr/share/man /usr/share/perl* /usr/share/python-wheels \
  /etc/apt /usr/lib/apt /usr/lib/dpkg /usr/lib/*/perl* /usr/lib/*/libapt-*
rm -rf /usr/sbin /usr/lib/*/gconv /var/lib/dpkg/info
rm -f /usr/bin/openssl /usr/bin/apt* /usr/bin/dpkg* /usr/bin/perl* /usr/local/bin/pip* /usr/bin/pip*
# The libraries that nothing needs any more; packages may need those of the compilers, and what looks up names others.
rm -f "$library"/lib-dynload/nis.* "$library"/lib-dynload/_dbm.*
needed=$(find /usr/bin /usr/local "$library" -type f \( -perm -u+x -o -name '*.so*' \) -exec ldd {} + 2>/dev/null | sed -n 's|.* => \(/[^ ]*\) .*|\1|p' | xargs -n 1 readlink -f | sort -u)
for each in $(find /usr/lib/*-linux-gnu -maxdepth 1 -type f -name '*.so*'); do
  case "$needed ${each##*/}" in
    *"$each"* | *" ld-"* | *" libnss_"* | *" libc."* | *" libm"[.v]* | *" libgcc_s."* | *" libstdc++."* | *" libresolv."* | *" libdl."* | *" librt."* | *" libpthread."* | *" libutil."* | *" libz."* | *" libanl."*) ;;
    *) rm "$each" ;;
  esac
done
find /usr/lib -xtype l -delete
