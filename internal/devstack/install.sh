#!/bin/sh
# install.sh PACKAGE... installs Debian packages for development, as root or through sudo. The services that the
# packages bring are neither started nor enabled, and Debian's own PostgreSQL cluster isn't created.
set -eu
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

refuse() {
	echo "mediconnect: $*" >&2
	exit 1
}

command -v apt-get >/dev/null || refuse "there is no apt-get here: install $* yourself"

if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || refuse "not root, and no sudo: run \`apt-get install $*\` as root"
	if sudo -n true 2>/dev/null; then
		exec sudo -n sh "$0" "$@"
	fi
	[ -t 0 ] || refuse "sudo asks for a password, and this is no terminal: run \`sudo apt-get install $*\`"
	exec sudo sh "$0" "$@"
fi

# One at a time: the guard below must not be taken away from somebody else's installation.
exec 9>/var/cache/apt/mediconnect.lock
flock -w 900 9 || refuse "another installation doesn't end"

mark='# Put here by mediconnect while it installs packages; safe to remove.'
policy=/usr/sbin/policy-rc.d
clusters=/etc/postgresql-common/createcluster.d
no_cluster=$clusters/mediconnect.conf

tidy() {
	if grep -qsF "$mark" "$policy"; then rm -f "$policy"; fi
	rm -f "$no_cluster"
}
trap tidy EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >"$policy"
	chmod 755 "$policy"
fi
mkdir -p "$clusters"
printf '%s\ncreate_main_cluster = false\n' "$mark" >"$no_cluster"

fresh=
for package in "$@"; do
	if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || :)" != installed ]; then
		fresh="$fresh $package"
	fi
done
[ -n "$fresh" ] || exit 0

export DEBIAN_FRONTEND=noninteractive
options='-q -o Acquire::Retries=3 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 -o DPkg::Lock::Timeout=300'
echo "mediconnect: installing$fresh with apt-get (their services stay off)" >&2
# shellcheck disable=SC2086 # the options and package names are words
apt-get $options update ||
	echo "mediconnect: the package lists could not be refreshed; going on with those at hand" >&2
# shellcheck disable=SC2086
apt-get $options install -y --no-install-recommends $fresh ||
	refuse "apt-get couldn't install$fresh: see what it says above"

for service in $fresh; do
	if [ -e "/etc/init.d/$service" ]; then
		update-rc.d "$service" disable >/dev/null 2>&1 || :
	fi
done
