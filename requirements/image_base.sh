#!/bin/sh
# Make the base of an image small: remove what installs packages (pip, apt, dpkg, their Perl and libraries) or looks
# after a whole machine, what nobody reads in a container, and modules of Python that no server has. The list of packages
# stays, for programs that look for flaws.
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
  rm -rf "$site"/pip* "$site"/setuptools* "$site"/pkg_resources* "$site"/_distutils_hack* "$site"/wheel*
done
rm -rf /root/.cache /var/cache/* /var/lib/apt /var/log/* /tmp/* \
  /usr/share/doc /usr/share/info /usr/share/locale /usr/share/man /usr/share/perl* /usr/share/python-wheels \
  /etc/apt /usr/lib/apt /usr/lib/dpkg /usr/lib/*/perl* /usr/lib/*/libapt-*
rm -rf /usr/sbin /usr/lib/*/gconv /var/lib/dpkg/info
for each in db-5 e2p ext2fs gcrypt gnutls hogweed nettle p11-kit semanage sepol systemd udev unistring; do
  rm -f /usr/lib/*/lib$each*
done
rm -f /usr/bin/openssl /usr/bin/apt* /usr/bin/dpkg* /usr/bin/perl* /usr/local/bin/pip* /usr/bin/pip*
