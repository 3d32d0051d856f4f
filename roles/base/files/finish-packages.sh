#!/bin/sh
# Part of Cairn's role base. Finishes what a reboot or a lost connection left of an installation;
# apt refuses to do anything before.
set -eu
# Whoever is still at work finishes by itself: wait for its lock, at most five minutes as apt does.
timeout 300 python3 -c 'if True:
    import fcntl
    fcntl.lockf(open("/var/lib/dpkg/lock-frontend", "a"), fcntl.LOCK_EX)' </dev/null
DEBIAN_FRONTEND=noninteractive dpkg --configure --pending --force-confdef --force-confold </dev/null
