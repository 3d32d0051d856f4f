# shellcheck shell=bash
# How programs are built from the modules that tools/NAME/go.mod pins: sourced by tools/build-*.
#
# Whoever sources it has set `tools`, read messages.sh, and named in `product` what is built and in
# `version` which one.

# shellcheck disable=SC2154
oldest_go=1.24

# Print the version of a module ($2) that the go.mod in a folder ($1) pins.
pinned() {
    sed -n "s|^[[:space:]]*\(require \)\{0,1\}$2 \(v[^ ]*\).*|\2|p" "$tools/$1/go.mod"
}

# Stop unless there is a Go that is new enough; the words ($*) name a way to do without.
require_go() {
    local found
    command -v go >/dev/null || stop "$product must be built and Go is missing;" \
        "install Go $oldest_go or newer (https://go.dev/doc/install)," \
        "$*, then run \`make setup\` again"
    found="$(go env GOVERSION)"
    version_is_at_least "${found#go}" "$oldest_go" ||
        stop "Go ${found#go} is too old to build $product; install $oldest_go or newer (https://go.dev/doc/install)"
}

# Stop unless so many GiB ($1) are free in the caches of Go and in a folder ($2).
require_space() {
    local place free
    for place in "$(go env GOCACHE)" "$(go env GOMODCACHE)" "$2"; do
        mkdir -p "$place"
        free="$(df --output=avail -k "$place" | tail -n 1)"
        [ "$free" -ge $(($1 * 1024 * 1024)) ] ||
            stop "the build of $product needs $1 GiB and $place has $((free / 1024)) MiB; make room there"
    done
}

# Print an honest guess in minutes from those to download ($1) and those of one core to compile ($2).
minutes_expected() {
    echo $(($1 + ($2 + $(nproc) - 1) / $(nproc)))
}

# Compile a package ($3) of the module in a folder ($2) to a file ($1), with a line each half minute.
compile() {
    local target="$1" module="$2" package="$3" log="$work/$2.log" pid
    shift 3
    # A process group of its own, so that stopping the script stops every compiler that runs.
    set -m
    (cd "$tools/$module" && exec env CGO_ENABLED=0 GOFLAGS=-buildvcs=false GOTOOLCHAIN="${GOTOOLCHAIN:-auto}" \
        go build -v -mod=readonly -trimpath "$@" -o "$target" "$package") >"$log" 2>&1 &
    pid=$!
    set +m
    building=$pid
    while kill -0 "$pid" 2>/dev/null; do
        if [ $((($(date +%s) - started) / 30)) -gt "$told" ]; then
            told=$((($(date +%s) - started) / 30))
            say "    $(elapsed_since "$started")  $(compiled "$log") packages of $(basename "$target") compiled"
        fi
        sleep 0.2
    done
    building=
    wait "$pid" || stop "building $(basename "$target") failed: $(tail -n 3 "$log" | tr '\n' ' ')"
}

# Count the packages that a build log ($1) names.
compiled() {
    grep --count --extended-regexp '^[A-Za-z0-9._/~-]+$' "$1" || true
}

leave() {
    [ -z "${building:-}" ] || kill -- "-$building" 2>/dev/null || true
    rm -rf "$work"
}

# Fill a folder ($1) by `build`, which makes $work/bin, unless it holds bin/NAME ($2) already.
build_once() {
    local folder="$1" program="$2"
    [ "$(uname -s)" = Linux ] || stop "Cairn runs on Linux"
    mkdir -p "$(dirname "$folder")"
    exec 9>"$folder.lock"
    flock --nonblock 9 || {
        say "Another build of $product is running; waiting for it"
        flock 9
    }
    [ ! -x "$folder/bin/$program" ] || return 0
    require "$(dirname "$folder")"
    started="$(date +%s)" told=0
    work="$(mktemp -d "$folder.partial.XXXXXX")"
    trap leave EXIT
    trap 'exit 130' INT TERM
    mkdir "$work/bin"
    build
    rm -rf "$folder"
    mkdir -p "$folder"
    mv "$work/bin" "$folder/bin"
    say "Built $product in $(elapsed_since "$started")"
}

# Have programs be for the hosts, Linux on x86_64, whatever this computer's Go is set to. Their digests
# stand in artefacts.lock.yaml and depend on the compiler: it is exactly the Go that the `toolchain`
# line of the go.mod in a folder ($1) names, which another Go fetches.
for_hosts() {
    GOTOOLCHAIN="$(sed -n 's/^toolchain //p' "$tools/$1/go.mod")"
    export GOTOOLCHAIN GOOS=linux GOARCH=amd64 GOAMD64=v1 GOEXPERIMENT='' GOFIPS140=off
}

# Do what a script that builds a program ($1) was called with ($2 ...): tell its version, or fill a folder.
build_as_asked() {
    local program="$1"
    shift
    if [ "${1:-}" = --version ]; then
        echo "${version#v}"
        exit
    fi
    [ $# = 1 ] || stop "usage: tools/$(basename "$0") FOLDER"
    build_once "$1" "$program"
}
